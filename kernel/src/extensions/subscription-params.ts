import { createHash } from 'node:crypto';
import { codeOf, type Fault, GoferError } from '@gofer/contracts';
import { isSecretReference, parseReference } from '../domain/index.ts';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';
import type { References } from '../stores/references.ts';

export type ParamsOwner = Pick<SubscriptionRecord, 'namespaceId' | 'pipelineId' | 'pipelineUid' | 'settings'>;

export interface ResolvedParams {
  readonly params: Readonly<Record<string, string>>;
  /** The values of those that refer to secrets. */
  readonly secrets: readonly string[];
}

/**
 * The settings of a subscription with every reference looked up, as its extension is given them. Rejects with `FAILED_PRECONDITION` and
 * every reference that stands for nothing, and with `UNAVAILABLE` where a store cannot be reached.
 */
export async function resolveParams(references: References, owner: ParamsOwner, signal: AbortSignal): Promise<ResolvedParams> {
  const params: Record<string, string> = {};
  const secrets: string[] = [];
  const faults: Fault[] = [];
  const texts: string[] = [];
  for (const [key, value] of Object.entries(owner.settings)) {
    const reference = parseReference(value);
    try {
      const resolved = reference === undefined ? value : await references.resolve(reference, owner, signal);
      params[key] = resolved;
      if (isSecretReference(reference)) secrets.push(resolved);
    } catch (error) {
      if (!(error instanceof GoferError) || codeOf(error) === 'UNAVAILABLE') throw error;
      faults.push({ path: `$.settings.${key}`, message: `${value.trim()}: ${error.message}` });
      texts.push(`Setting '${key}' refers to ${value.trim()}: ${error.message}`);
    }
  }
  if (faults.length === 0) return { params, secrets };
  throw new GoferError('FAILED_PRECONDITION', texts.join('; '), { details: faults });
}

/** The same for the same parameters. For memory only: it would tell whether a guess at a secret is right. */
export function digestOf({ params }: ResolvedParams): string {
  return createHash('sha256').update(JSON.stringify(params)).digest('base64');
}
