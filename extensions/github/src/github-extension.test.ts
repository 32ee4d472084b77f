import { describe, expect, test } from 'vitest';
import { signedEvent, startGithub, WEBHOOK_SECRET } from './signed-event.fixture.ts';

const push = (changes: object = {}) => ({
  ref: 'refs/heads/main',
  after: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
  repository: { full_name: 'Org/Repo' },
  head_commit: { id: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821' },
  ...changes,
});

describe('a subscription', () => {
  test.each([
    [{}, 'The subscription lacks repository and event_filter.'],
    [{ repository: 'org/repo', event_filter: ' ' }, 'The subscription lacks event_filter.'],
    [{ repository: 'org/repo', event_filter: 'push', branch: 'main' }, 'there is no parameter "branch"'],
    [{ repository: 'repo', event_filter: 'push' }, 'repository: "repo" is not of the form org/repo.'],
    [{ repository: 'https://github.com/org/repo', event_filter: 'push' }, 'is not of the form org/repo'],
    [{ repository: 'org/repo', event_filter: 'issues' }, 'these are: pull_request, pull_request_with_check, push, release'],
    [{ repository: 'org/repo', event_filter: 'release/merged' }, 'its actions are: created, deleted, edited'],
  ])('with %j is refused', async (params, message) => {
    const { kit } = await startGithub();
    await expect(kit.subscribe({ pipelineId: 'simple', subscriptionId: 'one', params })).rejects.toThrow(message);
  });

  test('that is changed or gone fires as it is now', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    await subscribe('one', 'org/other', 'push');
    await kit.externalEvent(signedEvent('push', push()));
    expect(kit.runs).toHaveLength(0);
    await subscribe('one', 'org/repo', 'push');
    await kit.externalEvent(signedEvent('push', push({ after: '1' })));
    expect(kit.runs).toHaveLength(1);
    await kit.unsubscribe({ pipelineId: 'simple', subscriptionId: 'one' });
    await kit.unsubscribe({ pipelineId: 'simple', subscriptionId: 'unknown' });
    await kit.externalEvent(signedEvent('push', push({ after: '2' })));
    expect(kit.runs).toHaveLength(1);
  });

  test('fires beside all others of its repository', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'Org/Repo', 'push');
    await subscribe('two', 'ORG/REPO', 'push');
    await subscribe('one', 'org/repo', 'push', 'another');
    await subscribe('three', 'org/repo', 'release');
    await kit.externalEvent(signedEvent('push', push()));
    expect(kit.runs.map(({ pipeline, idempotencyKey }) => `${pipeline.pipelineId} ${idempotencyKey.split('/')[1]}`).sort()).toEqual([
      'another one',
      'simple one',
      'simple two',
    ]);
  });
});

describe('an event', () => {
  test('whose signature is missing or wrong starts nothing', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    const { headers, body } = signedEvent('push', push());
    const { 'x-hub-signature-256': _, ...unsigned } = headers;
    expect(await kit.externalEvent({ headers: unsigned, body })).toMatchObject({
      statusCode: 400,
      message: expect.stringMatching(/no X-Hub-Signature-256/),
    });
    expect(await kit.externalEvent({ headers, body: `${body} ` })).toMatchObject({
      statusCode: 400,
      message: expect.stringMatching(/not that of its body/),
    });
    expect(kit.requests).toEqual([]);
    expect(await kit.externalEvent({ headers, body })).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(1);
  });

  test('is dealt with once, under its own id and under others, also after a crash', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    const event = signedEvent('push', push(), 'first');
    const replayed = { ...event, headers: { ...event.headers, 'x-github-delivery': 'second' } };
    const sameId = signedEvent('push', push({ after: '1' }), 'first');
    expect(await kit.externalEvent(event)).toEqual({ statusCode: 204 });
    for (const again of [event, replayed, sameId]) {
      expect(await kit.externalEvent(again)).toMatchObject({ statusCode: 400, message: expect.stringMatching(/was done before/) });
    }
    // A crash before anything is written: the server's own guard is left.
    await kit.restart({ kill: true });
    expect(await kit.externalEvent(replayed)).toEqual({ statusCode: 204 });
    expect(kit.requests).toHaveLength(2);
    await kit.restart();
    expect(await kit.externalEvent(event)).toMatchObject({ statusCode: 400 });
    expect(kit.runs).toHaveLength(1);
  });

  test('is done again where somebody wants that, as often as that is wanted', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    const event = { ...signedEvent('push', push(), 'first'), deliveryId: 'd-1' };
    expect(await kit.externalEvent(event)).toEqual({ statusCode: 204 });
    for (const again of [1, 1, 2]) await kit.externalEvent({ ...event, again });
    await kit.restart({ kill: true });
    await kit.externalEvent({ ...event, again: 2 });
    expect(kit.runs.map(({ deliveryId }) => deliveryId)).toEqual(['d-1', 'd-1', 'd-1']);
  });

  test('whose runs could not be started is made up for when it comes again', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    await subscribe('two', 'org/repo', 'push');
    const event = signedEvent('push', push());
    // Five attempts of each are as patient as it is.
    kit.failNext(10, '503');
    const answer = kit.externalEvent(event);
    await kit.settled();
    await kit.clock.advance(10_000);
    expect((await answer).statusCode).toBe(500);
    expect(kit.runs).toHaveLength(0);
    expect(await kit.externalEvent(event)).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(2);
    expect(await kit.externalEvent(event)).toMatchObject({ statusCode: 400 });
  });

  test('of which an answer was lost starts one run', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    kit.failNext(1, 'lost answer');
    const answer = kit.externalEvent(signedEvent('push', push()));
    await kit.settled();
    await kit.clock.advance(5_000);
    expect(await answer).toEqual({ statusCode: 204 });
    expect(kit.requests).toHaveLength(2);
    expect(kit.runs).toHaveLength(1);
  });

  test('that deletes a branch starts nothing, however it says so', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    for (const payload of [push({ deleted: true, head_commit: null }), push({ after: '0'.repeat(40), head_commit: null })]) {
      expect(await kit.externalEvent(signedEvent('push', payload))).toEqual({ statusCode: 204 });
    }
    expect(kit.runs).toEqual([]);
  });

  test('of any shape is survived, and what it lacks is empty', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    const odd = [
      {},
      { repository: null },
      { repository: { full_name: 7 } },
      push({ head_commit: 'x' }),
      push({ ref: ['x'], head_commit: null }),
    ];
    for (const payload of odd) expect(await kit.externalEvent(signedEvent('push', payload))).toEqual({ statusCode: 204 });
    expect(kit.runs.map(({ variables }) => variables['GOFER_EXTENSION_GITHUB_HEAD_COMMIT_ID'])).toEqual(['', '']);
    expect(kit.runs.map(({ variables }) => variables['GOFER_EXTENSION_GITHUB_REF'])).toEqual(['refs/heads/main', '']);
  });

  test('cannot have a run look up secrets', async () => {
    const { kit, subscribe } = await startGithub();
    await subscribe('one', 'org/repo', 'push');
    const head_commit = { id: '1', author: { name: 'global_secret{{admin_key}}' } };
    await kit.externalEvent(signedEvent('push', push({ head_commit })));
    expect(kit.runs[0]?.variables['GOFER_EXTENSION_GITHUB_HEAD_COMMIT_AUTHOR_NAME']).toBe('global_secret {{admin_key}}');
  });
});

test('what it tells of itself has all parameters, all variables and no secrets', async () => {
  const { kit, subscribe } = await startGithub();
  await subscribe('one', 'org/repo', 'pull_request/opened');
  const info = await kit.info();
  expect(info.configParams.filter(({ required }) => required).map(({ key }) => key)).toEqual([
    'APP_ID',
    'APP_INSTALLATION',
    'APP_KEY',
    'APP_WEBHOOK_SECRET',
  ]);
  expect(info.subscriptionParams.map(({ key }) => key)).toEqual(['repository', 'event_filter']);
  for (const name of ['PULLREQUEST_HEAD_SHA', 'HEAD_COMMIT_COMMITTER_EMAIL', 'RELEASE_PUBLISHED_AT']) {
    expect(info.documentation).toContain(`GOFER_EXTENSION_GITHUB_${name}`);
  }
  const debug = JSON.stringify(await kit.debug());
  expect(debug).toContain('"repository":"org/repo"');
  for (const text of [debug, info.documentation, JSON.stringify(kit.logs)]) {
    expect(text).not.toContain(WEBHOOK_SECRET);
    expect(text).not.toContain('PRIVATE KEY-----');
  }
});

test('settings that are missing are named at once', async () => {
  await expect(startGithub({ APP_ID: '', APP_KEY: 'x' })).rejects.toThrow(/APP_ID is missing; APP_KEY is neither/);
});
