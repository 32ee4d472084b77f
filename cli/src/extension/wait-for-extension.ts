import { setTimeout as sleep } from 'node:timers/promises';
import type { Extension } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import type { GoferClient } from '../api/gofer-client.ts';
import { readCount } from '../gofer-command.ts';

/** As long as the server waits for one that is installed. */
const LONGEST_WAIT = 600;
const PAUSE_MILLISECONDS = 300;

export const waitOption = () =>
  Option.String('--wait', '30', { description: 'How many seconds to wait until it runs (default 30; 0 does not wait)' });

export function readWait(text: string): number {
  return Math.min(readCount(text, '--wait', { minimum: 0 }), LONGEST_WAIT);
}

/** Resolves once it runs, has failed since it was last changed, or after that time, with how far it is. */
export async function waitForExtension(
  client: GoferClient,
  extension_id: string,
  { seconds, now }: { readonly seconds: number; readonly now: () => number },
): Promise<Extension> {
  const end = now() + seconds * 1_000;
  for (;;) {
    const { extension } = await client.call('get_extension', { path: { extension_id } });
    const hasFailed = extension.last_error !== undefined && extension.last_error.at >= extension.registration.modified;
    const isSettled = extension.state === 'running' || extension.registration.status !== 'enabled' || hasFailed;
    if (isSettled || now() >= end) return extension;
    await sleep(PAUSE_MILLISECONDS);
  }
}
