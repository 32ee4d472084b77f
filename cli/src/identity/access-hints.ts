import { AnswerError } from '../api/answer-error.ts';
import type { CliSettings } from '../cli-settings.ts';
import { toSafeLine } from '../output/sanitise.ts';

/** What helps where a server did not let the command in: lines for people, none of which has any part of a token. */
export async function accessHints(error: unknown, settings: () => Promise<CliSettings>): Promise<string[]> {
  if (!(error instanceof AnswerError)) return [];
  if (error.status === 429 || error.status === 503) return [...retryHints(error), ...extensionHints(error)];
  if (error.status === 400) return extensionHints(error);
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

/** What an extension takes, and whether it runs, is told by the command that shows it. */
function extensionHints({ request, message }: AnswerError): string[] {
  const [, subscription, extension] = /(?:\/subscriptions\/?([^/\s?]*)|\/extensions\/([^/\s?]+))/u.exec(request) ?? [];
  const id = subscription ?? extension;
  if (id === undefined) return [];
  const [, said] = /extension '([a-zA-Z0-9-]+)'/iu.exec(message) ?? [];
  const named = /^[a-zA-Z0-9-]+$/u.test(id) ? id : (said ?? 'EXTENSION');
  return [`What it takes, and how it is doing: gofer extension get ${named}`];
}

function retryHints({ message, retryAfter }: AnswerError): string[] {
  if (retryAfter === undefined || /try again in/iu.test(message)) return [];
  return [`Try again ${/^\d{1,9}$/u.test(retryAfter) ? `in ${retryAfter} s` : `at ${toSafeLine(retryAfter)}`}.`];
}
