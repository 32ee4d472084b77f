/** An error as the v0 wire shows it. What is a bug says nothing of itself to the caller: its text goes to the log only. */
import { codeOf, ERROR_TABLE, GoferError, isGoferError } from '@gofer/contracts';
import type { ErrorBody } from '@gofer/contracts/api';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: string;
}

/** A coded error that is answered with headers of its own, or with a status of its own. */
export class AnsweredError extends GoferError {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly status: number | undefined;

  constructor(
    code: ConstructorParameters<typeof GoferError>[0],
    message: string,
    answer: { headers: Readonly<Record<string, string | readonly string[]>>; status?: number },
  ) {
    super(code, message);
    this.headers = answer.headers;
    this.status = answer.status;
  }
}

export function toErrorAnswer(error: unknown, requestId: string): ErrorAnswer {
  const code = codeOf(error);
  const hidden = !isGoferError(error) || code === 'INTERNAL';
  const message = hidden
    ? `Internal Server Error: this is a bug; the server's log has more under the request id ${requestId}.`
    : error.message;
  const details = hidden ? [] : (error.details ?? []);
  const body: ErrorBody = { request_id: requestId, error_code: code, message, ...(details.length === 0 ? {} : { details: [...details] }) };
  const status = error instanceof AnsweredError ? error.status : undefined;
  return { status: status ?? ERROR_TABLE[code].http, body: `${JSON.stringify(body, null, 2)}\n` };
}
