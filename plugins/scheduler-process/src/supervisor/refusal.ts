import type { ErrorCode } from '@gofer/contracts';

/** A request's failure with its code; the plugin makes the error of it. The supervisor loads nothing but itself, to stay small. */
export class Refusal extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The code that the operating system gave to an error: `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
