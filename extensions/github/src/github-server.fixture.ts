/** GitHub's API as far as checks need it, over HTTP: it checks who asks as GitHub does, and can be told to fail. */
import { verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { APP_KEYS } from './signed-event.fixture.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The request is done all the same, and its answer lost. */
  readonly lost?: boolean;
}

export interface StoredCheck {
  readonly id: number;
  readonly repository: string;
  readonly [field: string]: unknown;
}

const CHECKS = /^\/repos\/([^/]+\/[^/]+)\/check-runs(?:\/(\d+))?$/;
const OF_COMMIT = /^\/repos\/([^/]+\/[^/]+)\/commits\/([^/]+)\/check-runs$/;

export async function startGithubServer(now: () => number) {
  const checks: StoredCheck[] = [];
  const requests: string[] = [];
  const failures: Answer[] = [];
  const tokens = new Map<string, number>();

  function answer(request: IncomingMessage, body: Readonly<Record<string, unknown>>): Answer {
    const url = new URL(request.url ?? '', 'http://github');
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (url.pathname === '/app/installations/99560091/access_tokens') return installationToken(token);
    if (!((tokens.get(token) ?? 0) > now())) return { status: 401, body: { message: 'Bad credentials' } };
    const [, repository = '', id] = CHECKS.exec(url.pathname) ?? [];
    if (request.method === 'POST' && repository !== '') {
      const check = { ...body, id: checks.length + 1, repository };
      checks.push(check);
      return { status: 201, body: check };
    }
    const index = checks.findIndex((check) => check.id === Number(id));
    const found = checks[index];
    if (request.method === 'PATCH' && found !== undefined && found.repository === repository) {
      checks[index] = { ...found, ...body };
      return { status: 200, body: checks[index] };
    }
    const [, ofRepository, sha] = OF_COMMIT.exec(url.pathname) ?? [];
    if (request.method !== 'GET' || ofRepository === undefined) return { status: 404, body: { message: 'Not Found' } };
    const name = url.searchParams.get('check_name');
    const ofCommit = checks.filter((check) => check.repository === ofRepository && check['head_sha'] === sha && check['name'] === name);
    return { status: 200, body: { total_count: ofCommit.length, check_runs: ofCommit } };
  }

  function installationToken(jwt: string): Answer {
    const [head = '', payload = '', signature = ''] = jwt.split('.');
    const isSigned = verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), APP_KEYS.publicKey, Buffer.from(signature, 'base64url'));
    const { iat, exp, iss } = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}') as Record<string, number>;
    const seconds = now() / 1000;
    const isCurrent = iat !== undefined && exp !== undefined && iat <= seconds && exp > seconds && exp - iat <= 600;
    if (!isSigned || !isCurrent || iss !== 112_348) return { status: 401, body: { message: 'A JSON web token could not be decoded' } };
    const token = `ghs_${tokens.size + 1}`;
    const expires = now() + 3_600_000;
    tokens.set(token, expires);
    return { status: 201, body: { token, expires_at: new Date(expires).toISOString() } };
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'GET' || request.headers['content-length'] === undefined ? {} : await json(request).catch(() => ({}));
    requests.push(`${request.method} ${request.url?.split('?')[0]}`);
    const failure = request.url?.includes('access_tokens') ? undefined : failures.shift();
    if (failure?.lost) answer(request, body as Readonly<Record<string, unknown>>);
    if (failure?.lost || failure?.status === 0) return void response.destroy();
    const { status, headers = {}, body: text } = failure ?? answer(request, body as Readonly<Record<string, unknown>>);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text === undefined ? '' : JSON.stringify(text));
  }

  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    checks: checks as readonly StoredCheck[],
    /** Method and path of each request. */
    requests: requests as readonly string[],
    /** The next requests, but for tokens, are answered so. */
    failNext: (...answers: readonly Answer[]) => void failures.push(...answers),
    revokeTokens: () => tokens.clear(),
  };
}
