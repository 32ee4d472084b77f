/** One request to GitHub's API, and what to think of its answer. */

/** For one answer. */
const ATTEMPT_MS = 30_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** GitHub asks for a minute where it says that there were too many requests, but not until when. */
const RATE_PAUSE_MS = 60_000;
const LONGEST_RATE_PAUSE_MS = 3_600_000;

/** GitHub did not do what it was asked for. */
export class GithubRequestError extends Error {
  override readonly name = 'GithubRequestError';
  /** HTTP; 0 where no answer came. */
  readonly status: number;
  /** Whether asking again later may help. */
  readonly temporary: boolean;
  /** Epoch milliseconds before which nothing at all is to be asked; undefined: GitHub did not say. */
  readonly notBefore: number | undefined;

  constructor(status: number, message: string, options: { temporary: boolean; notBefore?: number | undefined; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.status = status;
    this.temporary = options.temporary;
    this.notBefore = options.notBefore;
  }
}

export interface GithubRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  /** A JWT of the app, or a token of its installation. */
  readonly token: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The JSON of a 2xx answer. Rejects with `GithubRequestError`, and with the signal's reason when it aborts. */
export async function requestGithub({ method, url, token, body, signal, now }: GithubRequest): Promise<unknown> {
  const what = `${method} ${new URL(url).pathname}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'gofer-extension-github',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]),
    });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new GithubRequestError(0, `GitHub does not answer ${what}: ${causeOf(error)}`, { temporary: true, cause: error });
  }
  if (response.ok) return parseJson(text, what);
  throw toError(response, text, what, now());
}

/** How long to wait before the next attempt after so many that have failed. */
export function pauseAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(Math.max(0, failures - 1), 20), LONGEST_PAUSE_MS);
}

/** Undefined where the headers of a 403 or 429 do not tell of a limit (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). */
export function limitedUntil(status: number, headers: Headers, message: string, now: number): number | undefined {
  const latest = now + LONGEST_RATE_PAUSE_MS;
  const seconds = headers.get('retry-after');
  if (seconds !== null && /^\d{1,9}$/.test(seconds)) return Math.min(now + Number(seconds) * 1000, latest);
  if (status !== 403 && status !== 429) return undefined;
  const reset = headers.get('x-ratelimit-reset');
  if (headers.get('x-ratelimit-remaining') === '0' && reset !== null && /^\d{1,12}$/.test(reset)) {
    // A second more: GitHub counts in whole ones.
    return Math.min(Math.max(now, (Number(reset) + 1) * 1000), latest);
  }
  return status === 429 || /rate limit/i.test(message) ? now + RATE_PAUSE_MS : undefined;
}

function toError(response: Response, text: string, what: string, now: number): GithubRequestError {
  const { status } = response;
  const said = messageOf(text);
  const notBefore = limitedUntil(status, response.headers, said, now);
  // 401: the installation's token may have been revoked, or a clock is wrong; the next attempt asks for another.
  const temporary = status >= 500 || status === 401 || status === 408 || notBefore !== undefined;
  return new GithubRequestError(status, `GitHub answered ${what} with ${status}${said === '' ? '' : `: ${said}`}`, {
    temporary,
    notBefore,
  });
}

function parseJson(text: string, what: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GithubRequestError(0, `GitHub answered ${what} with what is no JSON`, { temporary: true, cause: error });
  }
}

function messageOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') {
      return value.message.slice(0, 500);
    }
  } catch {
    // Proxies answer in HTML.
  }
  return '';
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
