/**
 * The closed list of everything that can go wrong with a name. Callers compare `code`, never `instanceof`: an error may have
 * crossed a thread, a process or a second copy of this package. A failure without a code from this list is a bug.
 */

/** HTTP status (RFC 9110) and process exit code of each error code. */
export const ERROR_TABLE = {
  /** Something the caller sent is malformed; `details` lists every fault with its path. */
  INVALID_ARGUMENT: { http: 400, exit: 2 },
  /** The `gofer-api-version` header is missing or names a version that this server does not speak. */
  UNSUPPORTED_VERSION: { http: 400, exit: 2 },
  /** The back end lacks what was asked for (see its declared capabilities). */
  UNSUPPORTED: { http: 400, exit: 2 },
  /** No, malformed, unknown, disabled or expired credentials. */
  UNAUTHENTICATED: { http: 401, exit: 4 },
  /** Valid credentials without the permission that the route needs. v0 answers 401 here, and so does this API. */
  PERMISSION_DENIED: { http: 401, exit: 4 },
  /** A request from an origin or for a host that is not let in. */
  FORBIDDEN: { http: 403, exit: 4 },
  NOT_FOUND: { http: 404, exit: 3 },
  METHOD_NOT_ALLOWED: { http: 405, exit: 2 },
  ALREADY_EXISTS: { http: 409, exit: 5 },
  /** The thing exists, but its state does not allow the operation. */
  FAILED_PRECONDITION: { http: 409, exit: 5 },
  /** What was asked for existed and has expired or was removed. */
  GONE: { http: 410, exit: 3 },
  PAYLOAD_TOO_LARGE: { http: 413, exit: 2 },
  /** A limit on size, number or rate was reached. */
  RESOURCE_EXHAUSTED: { http: 429, exit: 6 },
  /** The caller gave up. */
  CANCELLED: { http: 499, exit: 130 },
  INTERNAL: { http: 500, exit: 70 },
  /** A component is not reachable at present; the same call may succeed later. */
  UNAVAILABLE: { http: 503, exit: 6 },
  DEADLINE_EXCEEDED: { http: 504, exit: 6 },
  /** The image does not exist where it was looked for. */
  IMAGE_NOT_FOUND: { http: 400, exit: 1 },
  /** The image may exist but could not be fetched: refused, unreachable, damaged. */
  IMAGE_PULL_FAILED: { http: 503, exit: 1 },
  /** A task was started once and its back end no longer knows it; it is never started again by itself. */
  TASK_LOST: { http: 500, exit: 1 },
  /** What was kept is damaged or missing where it must be, and cannot be read any more. */
  DATA_LOSS: { http: 500, exit: 74 },
  /** The disk that holds logs, objects, secrets or the database has no room. */
  STORAGE_FULL: { http: 507, exit: 6 },
  /** The configuration cannot be used; `details` lists every fault. */
  CONFIG_INVALID: { http: 500, exit: 78 },
  /** A plugin cannot be resolved, is not what it says, or did not start. */
  PLUGIN_INVALID: { http: 500, exit: 78 },
  /** Another process owns what was to be opened. */
  LOCKED: { http: 503, exit: 75 },
  /** A run or task that was waited for ended unsuccessfully (a command's exit, never an API answer). */
  RUN_FAILED: { http: 500, exit: 1 },
} as const satisfies Record<string, { http: number; exit: number }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** One thing that is wrong: where (a JSON path such as `$.tasks[2].image`, a file position, a variable's name) and what. */
export interface Fault {
  readonly path: string;
  readonly message: string;
}

/** A failure as plain data: what crosses a thread or a process in the place of an error. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: readonly Fault[];
}

export interface GoferErrorOptions {
  readonly cause?: unknown;
  readonly details?: readonly Fault[];
}

export class GoferError extends Error {
  override readonly name = 'GoferError';
  readonly code: ErrorCode;
  readonly details: readonly Fault[];

  constructor(code: ErrorCode, message: string, options: GoferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
  }
}

/** True for an error of this list, whichever copy of this package made it. */
export function isGoferError(error: unknown): error is GoferError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && Object.hasOwn(ERROR_TABLE, error.code);
}

/** The code of an error; what has none of this list is a bug and counts as `INTERNAL`. */
export function codeOf(error: unknown): ErrorCode {
  return isGoferError(error) ? error.code : 'INTERNAL';
}

export function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (!isGoferError(error)) return { code: 'INTERNAL', message };
  const details = error.details ?? [];
  return details.length === 0 ? { code: error.code, message } : { code: error.code, message, details };
}

export function fromFailure(failure: Failure): GoferError {
  return new GoferError(failure.code, failure.message, failure.details === undefined ? {} : { details: failure.details });
}
