import { describe, expect, test, vi } from 'vitest';
import { type Answer, startGithubServer } from './github-server.fixture.ts';
import { signedEvent, startGithub } from './signed-event.fixture.ts';

const SHA = 'ec26c3e57ca3a959ca5aad62de7213c562f8c821';
const HOUR = 3_600_000;

const pullRequest = (changes: object = {}) => ({
  action: 'opened',
  repository: { full_name: 'Org/Repo' },
  pull_request: { head: { sha: SHA, ref: 'topic' }, user: { login: 'octocat' } },
  ...changes,
});

async function start(config: Readonly<Record<string, string>> = {}) {
  let now = () => Date.UTC(2026, 0, 1);
  const github = await startGithubServer(() => now());
  const { kit, subscribe } = await startGithub({ GITHUB_API_URL: github.url, ...config });
  now = () => kit.clock.now();
  await subscribe('tests', 'org/repo', 'pull_request_with_check/opened,synchronize');
  /** What GitHub is asked for is not seen by the kit. */
  const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 5 });
  const isDone = () => ![...kit.objects.keys()].some((key) => key.startsWith('check-'));
  const warnings = () => kit.logs.filter(({ level }) => level === 'warn').length;
  return { github, kit, subscribe, until, isDone, warnings };
}

describe('a check', () => {
  test.each([
    ['successful', 'success'],
    ['failed', 'failure'],
    ['cancelled', 'cancelled'],
    ['unknown', 'neutral'],
  ] as const)('is made for the commit, and told that its run was %s', async (status, conclusion) => {
    const { github, kit, until, isDone } = await start({ CHECK_DETAILS_URL: 'https://gofer.example.com/{namespace}/{pipeline}/{run}' });
    expect(await kit.externalEvent(signedEvent('pull_request', pullRequest()))).toEqual({ statusCode: 204 });
    await until(() => github.checks.length === 1);
    expect(github.checks[0]).toMatchObject({
      repository: 'Org/Repo',
      name: 'gofer/simple/tests',
      head_sha: SHA,
      status: 'in_progress',
      external_id: 'default/simple/tests/1',
      details_url: 'https://gofer.example.com/default/simple/1',
    });
    // Longer than one request for the run waits.
    await kit.clock.advance(10 * 60_000);
    expect(github.checks[0]).toMatchObject({ status: 'in_progress' });
    kit.finishRun(1, status);
    await until(isDone);
    expect(github.checks).toHaveLength(1);
    expect(github.checks[0]).toMatchObject({ status: 'completed', conclusion, output: { title: expect.stringContaining('Run 1') } });
    expect(await kit.debug()).toMatchObject({ openChecks: [] });
  });

  test('is made for each subscription beside those without one', async () => {
    const { github, kit, subscribe, until } = await start();
    await subscribe('lint', 'org/repo', 'pull_request_with_check');
    await subscribe('notify', 'org/repo', 'pull_request');
    await subscribe('closed', 'org/repo', 'pull_request/closed');
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    expect(kit.runs).toHaveLength(3);
    await until(() => github.checks.length === 2);
    expect(new Set(github.checks.map((check) => check['name']))).toEqual(new Set(['gofer/simple/lint', 'gofer/simple/tests']));
  });

  test('is not made without a commit, and the run is there all the same', async () => {
    const { kit, isDone } = await start();
    expect(await kit.externalEvent(signedEvent('pull_request', pullRequest({ pull_request: {} })))).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(1);
    expect(isDone()).toBe(true);
  });
});

describe('after a restart', () => {
  test('an open check is gone on with, and not made again', async () => {
    const { github, kit, until, isDone } = await start();
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    await until(() => Buffer.from([...kit.objects.values()].at(-1) ?? []).includes('checkId'));
    await kit.restart({ kill: true, downMs: HOUR });
    kit.finishRun(1, 'failed');
    await until(isDone);
    expect(github.checks).toMatchObject([{ status: 'completed', conclusion: 'failure' }]);
    expect(github.requests.filter((request) => request.endsWith('/check-runs'))).toHaveLength(1);
  });

  test('one of which it is not known whether it was made is looked for', async () => {
    const { github, kit, until, isDone } = await start();
    github.failNext({ status: 0, lost: true });
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    await until(() => github.checks.length === 1);
    await kit.restart({ kill: true });
    kit.finishRun(1, 'successful');
    await until(isDone);
    expect(github.checks).toMatchObject([{ status: 'completed', conclusion: 'success' }]);
  });

  test('one whose run ended meanwhile is concluded, and what cannot be read is let go', async () => {
    const { github, kit, until, isDone } = await start();
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    await until(() => github.checks.length === 1);
    kit.objects.set('check-x', Buffer.from('{"runId":1}'));
    const restarting = kit.restart();
    await restarting;
    kit.finishRun(1, 'successful');
    await until(isDone);
    expect(github.checks[0]).toMatchObject({ conclusion: 'success' });
    expect(kit.logs).toContainEqual(expect.objectContaining({ level: 'error', fields: { object: 'check-x' } }));
  });
});

describe('when GitHub fails', () => {
  const failing: readonly (readonly [string, Answer, number])[] = [
    ['has a fault', { status: 502 }, 1_000],
    ['answers nothing', { status: 0 }, 1_000],
    ['loses its answer', { status: 0, lost: true }, 1_000],
    ['asks to come back later', { status: 429, headers: { 'retry-after': '90' } }, 90_000],
    [
      'has a limit that is used up',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1000 + 600) } },
      601_000,
    ],
  ];
  test.each(failing)('because it %s, the check is made once and later', async (_, answer, pause) => {
    const { github, kit, until, isDone, warnings } = await start();
    github.failNext(answer);
    expect(await kit.externalEvent(signedEvent('pull_request', pullRequest()))).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(1);
    await until(() => warnings() === 1);
    const asked = github.requests.length;
    await kit.clock.advance(pause - 1);
    expect(github.requests).toHaveLength(asked);
    await kit.clock.advance(1);
    await until(() => github.checks.length === 1 && github.requests.length > asked);
    kit.finishRun(1, 'successful');
    await until(isDone);
    expect(github.checks).toMatchObject([{ conclusion: 'success' }]);
  });

  test('because it does not permit it, that is logged and let go', async () => {
    const { github, kit, until, isDone } = await start();
    github.failNext({ status: 403, body: { message: 'Resource not accessible by integration' } });
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    await until(isDone);
    const error = expect.stringContaining('403: Resource not accessible by integration');
    expect(kit.logs).toContainEqual(expect.objectContaining({ level: 'error', fields: expect.objectContaining({ error }) }));
    expect(kit.runs).toHaveLength(1);
  });

  test('for a day, the check is given up', async () => {
    const { github, kit, until, isDone, warnings } = await start();
    github.failNext(...Array.from({ length: 1_000 }, () => ({ status: 500 })));
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    for (let turn = 0; turn < 400 && !isDone(); turn += 1) {
      const before = warnings();
      await kit.clock.advance(300_000);
      await until(() => warnings() > before || isDone());
    }
    expect(isDone()).toBe(true);
    expect(kit.clock.now()).toBeGreaterThan(Date.UTC(2026, 0, 1) + 23 * HOUR);
  });
});

describe('the token of the installation', () => {
  const tokens = (requests: readonly string[]) => requests.filter((request) => request.includes('access_tokens')).length;

  test('is used until a minute before it expires', async () => {
    const { github, kit, until } = await start();
    const open = async (count: number) => {
      await kit.externalEvent(signedEvent('pull_request', pullRequest({ number: count })));
      await until(() => github.checks.length === count);
    };
    await open(1);
    await kit.clock.advance(HOUR - 60_001);
    await open(2);
    expect(tokens(github.requests)).toBe(1);
    await kit.clock.advance(1);
    await open(3);
    expect(tokens(github.requests)).toBe(2);
  });

  test('is asked for once by many, and again when it was revoked', async () => {
    const { github, kit, subscribe, until, isDone, warnings } = await start();
    await subscribe('lint', 'org/repo', 'pull_request_with_check');
    await kit.externalEvent(signedEvent('pull_request', pullRequest()));
    await until(() => github.checks.length === 2);
    expect(tokens(github.requests)).toBe(1);
    github.revokeTokens();
    for (const { runId } of kit.runs.slice()) kit.finishRun(runId, 'successful');
    await until(() => warnings() === 2);
    await kit.clock.advance(1_000);
    await until(isDone);
    expect(tokens(github.requests)).toBe(2);
    expect(github.checks.map((check) => check['conclusion'])).toEqual(['success', 'success']);
  });
});
