/** What can go wrong with a request to the Docker engine, and what to say about it. */
import { GoferError, isGoferError } from '@gofer/contracts';

/** The engine refused a request: its status and its own words. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  static of(error: Error): EngineError | undefined {
    const status: unknown = Reflect.get(error, 'statusCode');
    if (typeof status !== 'number') return undefined;
    // docker-modem wraps the engine's message.
    return new EngineError(status, error.message.replace(/^\(HTTP code \d+\) \S+ - /, '').trim());
  }
}

/** The engine cannot be reached, or the connection broke. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  /** As `ECONNREFUSED`; empty where there is none. */
  readonly systemCode: string;

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    const code: unknown = options.cause instanceof Error ? Reflect.get(options.cause, 'code') : undefined;
    this.systemCode = typeof code === 'string' ? code : '';
  }

  static of(error: Error): ConnectionLost {
    return new ConnectionLost(error.message, { cause: error });
  }
}

export function isStatus(error: unknown, ...statuses: readonly number[]): error is EngineError {
  return error instanceof EngineError && statuses.includes(error.status);
}

export function engineFailure(error: unknown, address: string): GoferError {
  if (isGoferError(error)) return error;
  if (error instanceof ConnectionLost)
    return new GoferError('UNAVAILABLE', unreachable(error, address), {
      cause: error,
    });
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof EngineError)) return new GoferError('INTERNAL', message, { cause: error });
  if (error.status === 400) return new GoferError('INVALID_ARGUMENT', `the Docker engine refuses the task: ${message}`, { cause: error });
  if (error.status === 503) return new GoferError('UNAVAILABLE', `the Docker engine is not ready: ${message}`, { cause: error });
  return new GoferError('INTERNAL', `the Docker engine failed (status ${error.status}): ${message}`, { cause: error });
}

function unreachable(error: ConnectionLost, address: string): string {
  const what = `the Docker engine at ${address} cannot be reached (${error.message})`;
  if (error.systemCode === 'EACCES')
    return `${what}: this user may not use its socket; add the user to the group docker, or run as one that may`;
  return `${what}: start it (systemctl start docker), or say where it is with scheduler.docker.host or DOCKER_HOST`;
}
