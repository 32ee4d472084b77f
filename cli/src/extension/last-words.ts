import { isGoferError } from '@gofer/contracts';
import type { Extension } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';

const LINES = 3;
/** The log of an extension that does not run ends at once; a server that does not end it is not waited for. */
const PATIENCE_MILLISECONDS = 5_000;

/** The end of an extension's log, where it says why it ended; of a line of JSON with a message, that. Empty where there is none to be had. */
export async function lastWords(client: GoferClient, extension_id: string): Promise<string[]> {
  const lines: string[] = [];
  try {
    const log = await client.extensionLog({ extension_id }, { follow: false, tail: LINES }, AbortSignal.timeout(PATIENCE_MILLISECONDS));
    for await (const batch of log) lines.push(...batch.lines.map(({ text }) => messageOf(text.trimEnd())));
  } catch (error) {
    if (!isGoferError(error) && !(error instanceof Error && error.name === 'TimeoutError')) throw error;
  }
  return lines.slice(-LINES).filter((line) => line !== '');
}

/** Those of one that should run and does not; of others there are none to be asked for. */
export async function lastWordsOfFailed(client: GoferClient, { registration, state, last_error }: Extension): Promise<string[]> {
  if (state === 'running' || registration.status !== 'enabled' || last_error === undefined) return [];
  return await lastWords(client, registration.extension_id);
}

function messageOf(line: string): string {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'message' in entry && typeof entry.message === 'string' ? entry.message : line;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}
