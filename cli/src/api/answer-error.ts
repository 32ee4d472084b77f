import type { IncomingMessage } from 'node:http';
import { ERROR_TABLE, type ErrorCode, type Fault, GoferError } from '@gofer/contracts';
import { toSafeText } from '../output/sanitise.ts';

/** A server's error as this command throws it, with what helps to find it in the server's log. */
export class AnswerError extends GoferError {
  readonly requestId: string | undefined;
  readonly request: string;
  readonly status: number;
  /** When to try again, as the server says it (RFC 9110 §10.2.3). */
  readonly retryAfter: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details: readonly Fault[]; requestId: string | undefined; request: string; status: number; retryAfter: string | undefined },
  ) {
    super(code, message, { details: options.details });
    this.requestId = options.requestId;
    this.request = options.request;
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }
}

const LARGEST_BODY = 8 * 1024 * 1024;

/** Reads the answer's body and makes an error of it; of a body that is not Gofer's too. */
export async function toAnswerError(answer: IncomingMessage, request: string): Promise<AnswerError> {
  const status = answer.statusCode ?? 0;
  const retryAfter = answer.headers['retry-after'];
  const text = await readWhatIsThere(answer);
  const body = parseObject(text);
  const message = typeof body?.message === 'string' ? body.message : undefined;
  const requestId = typeof body?.request_id === 'string' ? body.request_id : undefined;
  const named = body?.error_code;
  const code = typeof named === 'string' && Object.hasOwn(ERROR_TABLE, named) ? (named as ErrorCode) : codeOfStatus(status);
  if (message === undefined) {
    const said = toSafeText(text).trim().slice(0, 200);
    const foreign = `the server answered ${status} ${answer.statusMessage ?? ''} and is not a Gofer server, or a proxy stands before it${said === '' ? '' : `:\n  ${said}`}`;
    return new AnswerError(code, foreign, { details: [], requestId, request, status, retryAfter });
  }
  return new AnswerError(code, toSafeText(message), { details: readDetails(body?.details), requestId, request, status, retryAfter });
}

/** A server that refuses an upload may close the connection behind its answer: then the status still says something. */
async function readWhatIsThere(answer: IncomingMessage): Promise<string> {
  try {
    return await readText(answer, LARGEST_BODY);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return '';
    throw error;
  }
}

/** The code for a status of a server that names none: the first one of the table with that status. */
function codeOfStatus(status: number): ErrorCode {
  for (const [code, { http }] of Object.entries(ERROR_TABLE)) if (http === status) return code as ErrorCode;
  return status >= 500 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT';
}

function readDetails(details: unknown): Fault[] {
  if (!Array.isArray(details)) return [];
  return details.flatMap((detail: unknown) => {
    if (typeof detail !== 'object' || detail === null || !('path' in detail) || !('message' in detail)) return [];
    return [{ path: toSafeText(String(detail.path)), message: toSafeText(String(detail.message)) }];
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Stops reading at `limit` bytes. */
export async function readText(stream: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > limit) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
