import { AnsweredError } from '../error-answer.ts';

/** A client that has not sent its body in time; the rest of it is not waited for. */
export function tooSlow(milliseconds: number): AnsweredError {
  return new AnsweredError(
    'DEADLINE_EXCEEDED',
    `The request's body did not arrive within ${milliseconds / 1000} s (server.request_timeout).`,
    {
      status: 408,
      headers: { connection: 'close' },
    },
  );
}
