import { AnswerError } from '../api/answer-error.ts';
import type { CliSettings } from '../cli-settings.ts';
import { toSafeLine } from '../output/sanitise.ts';

/** What helps where a server did not let the command in: lines for people, none of which has any part of a token. */
export async function accessHints(error: unknown, settings: () => Promise<CliSettings>): Promise<string[]> {
  if (!(error instanceof AnswerError)) return [];
  if (error.status === 429 || error.status === 503) return retryHints(error);
  // Whatever else answers 401, such as a proxy with a login of its own, knows nothing of these tokens.
  if (error.code !== 'UNAUTHENTICATED' || error.requestId === undefined) return [];
  const { token, tokenSource } = await settings();
  if (token === '') {
    return [
      'No token is set here: log in with gofer login, or set GOFER_TOKEN.',
      'The first token of a new server is made by gofer token bootstrap.',
    ];
  }
  return [
    `The token that was sent comes from ${tokenSource ?? 'the command itself'}.`,
    'Ask for another one, and log in with gofer login.',
  ];
}

function retryHints({ message, retryAfter }: AnswerError): string[] {
  if (retryAfter === undefined || /try again in/iu.test(message)) return [];
  return [`Try again ${/^\d{1,9}$/u.test(retryAfter) ? `in ${retryAfter} s` : `at ${toSafeLine(retryAfter)}`}.`];
}
