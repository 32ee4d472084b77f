import type { RequiredParentStatus } from '@gofer/contracts/pipeline';

/** How a task of a run ends. `cancelled` is one that was cancelled alone, or with its whole run. */
export const FINAL_STATUSES = ['successful', 'failed', 'cancelled', 'skipped'] as const;
export type FinalStatus = (typeof FINAL_STATUSES)[number];

/**
 * Whether a parent that ended so lets a task run that requires this of it. A parent cancelled alone counts as failed; where the
 * whole run was cancelled nothing is asked any more.
 */
export function satisfies(required: RequiredParentStatus, ended: FinalStatus): boolean {
  switch (required) {
    case 'any':
      return true;
    case 'success':
      return ended === 'successful';
    case 'failure':
      return ended === 'failed' || ended === 'cancelled';
  }
}
