import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { startTestKit } from '@gofer/sdk/extension/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { documentation } from './documentation.ts';
import { extension } from './index.ts';

const SECRET = 'e21e6a1a9f0c44d8b1c5';
const P = 'GOFER_EXTENSION_WEBHOOK_';

const hmac = (text: string | Uint8Array, secret = SECRET) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;

async function startWebhook() {
  const kit = await startTestKit(extension, { id: 'webhook' });
  onTestFinished(() => kit.close());
  const subscribe = (subscriptionId: string, params: Readonly<Record<string, string>> = {}, pipelineId = 'simple') =>
    kit.subscribe({ pipelineId, subscriptionId, params: { secret: SECRET, ...params } });
  /** Signed now, over the time and the body. */
  const call = (body: string, headers: Readonly<Record<string, string>> = {}, secret = SECRET) => {
    const timestamp = String(Math.floor(kit.clock.now() / 1000));
    const signature = hmac(`${timestamp}.${body}`, secret);
    const own = { 'content-type': 'application/json', 'x-gofer-timestamp': timestamp, 'x-gofer-signature-256': signature };
    return { headers: { ...own, ...headers }, body };
  };
  return { kit, subscribe, call };
}

describe('a subscription', () => {
  test.each([
    [{ secret: '' }, 'lacks secret'],
    [{ secret: 'tooshort' }, '16 random characters'],
    [{ variables: 'A' }, 'variables: "A" is not of the form'],
    [{ variables: 'GOFER_API_TOKEN=/x' }, "are Gofer's own"],
    [{ variable: 'A=/a' }, 'there is no parameter "variable"'],
    [{ filter: 'x' }, 'filter: "x" is not of the form'],
  ])('with %j is refused', async (params, message) => {
    const { subscribe } = await startWebhook();
    await expect(subscribe('one', params)).rejects.toThrow(message);
  });

  test('is found by its name, or by its secret', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    await subscribe('two', {}, 'another');
    await subscribe('three', { secret: `${SECRET}3` });
    const named = call('{"n":1}', { 'x-gofer-webhook': 'default/another/two' });
    expect(await kit.externalEvent(named)).toEqual({ statusCode: 204 });
    expect(kit.runs.map(({ pipeline }) => pipeline.pipelineId)).toEqual(['another']);
    expect(await kit.externalEvent(call('{"n":2}'))).toEqual({ statusCode: 204 });
    expect(await kit.externalEvent(call('{"n":3}', {}, `${SECRET}3`))).toEqual({ statusCode: 204 });
    expect(kit.runs.map(({ variables }) => variables[`${P}SUBSCRIPTION`])).toEqual(['two', 'one', 'two', 'three']);
  });

  test('that is gone is found no more, and no answer tells of it', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const other = call('{}', { 'x-gofer-webhook': 'default/simple/one' }, 'another secret, as long');
    const refused = await kit.externalEvent(other);
    await kit.unsubscribe({ pipelineId: 'simple', subscriptionId: 'one' });
    expect(refused.statusCode).toBe(400);
    expect(await kit.externalEvent(other)).toEqual(refused);
    expect(await kit.externalEvent(call('{}'))).toEqual(refused);
    expect(kit.requests).toEqual([]);
  });
});

describe('a call', () => {
  test('starts a run with what is mapped', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one', { variables: 'VERSION!=/release/version,REGION=targets.0.region,SECRET=/s' });
    const body = '{"release":{"version":1.10},"targets":[{"region":"eu"}],"s":"pipeline_secret{{key}}"}';
    expect(await kit.externalEvent(call(body, { 'x-gofer-delivery': '42' }))).toEqual({ statusCode: 204 });
    expect(kit.runs.map(({ variables }) => variables)).toEqual([
      {
        VERSION: '1.10',
        REGION: 'eu',
        SECRET: 'pipeline_secret {{key}}',
        [`${P}SUBSCRIPTION`]: 'one',
        [`${P}DELIVERY`]: '42',
        [`${P}BODY`]: body,
        [`${P}BODY_BYTES`]: String(body.length),
      },
    ]);
  });

  test('may be a form, signed as GitHub does', async () => {
    const { kit, subscribe } = await startWebhook();
    await subscribe('one', { variables: 'NAME=name' });
    const body = 'name=a+b';
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-hub-signature-256': hmac(body) };
    expect(await kit.externalEvent({ headers, body })).toEqual({ statusCode: 204 });
    expect(kit.runs[0]?.variables).toMatchObject({ NAME: 'a b', [`${P}BODY`]: body });
  });

  test('that does not fit the filter is accepted and starts nothing', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one', { filter: 'ref=refs/heads/main' });
    expect(await kit.externalEvent(call('{"ref":"refs/heads/topic"}'))).toEqual({ statusCode: 204 });
    expect(kit.runs).toEqual([]);
    expect(await kit.externalEvent(call('{"ref":"refs/heads/main"}'))).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(1);
  });

  test('without what must be there is refused, and says what that is', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one', { variables: 'A!=/a' });
    const answer = await kit.externalEvent(call('{}'));
    expect(answer).toMatchObject({ statusCode: 400, message: expect.stringContaining('/a, which A is made of, is missing') });
  });

  test('with a body that is too large for a variable has it empty, and one that is too large is refused', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const large = JSON.stringify({ text: randomBytes(40_000).toString('hex') });
    expect(await kit.externalEvent(call(large))).toEqual({ statusCode: 204 });
    expect(kit.runs[0]?.variables).toMatchObject({ [`${P}BODY`]: '', [`${P}BODY_BYTES`]: String(large.length) });
    const huge = call(JSON.stringify({ text: 'x'.repeat(4 * 1024 * 1024) }));
    expect(await kit.externalEvent(huge)).toMatchObject({ statusCode: 400, message: expect.stringContaining('at most 4194304') });
  });
});

describe('a call that comes again', () => {
  test('starts nothing, with or without a time, under whichever id', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const body = '{"a":1}';
    const timed = call(body, { 'x-gofer-delivery': '1' });
    const plain = { headers: { 'content-type': 'application/json', 'x-gofer-signature-256': hmac(body) }, body };
    expect(await kit.externalEvent(timed)).toEqual({ statusCode: 204 });
    expect(await kit.externalEvent(plain)).toEqual({ statusCode: 204 });
    await kit.restart();
    const later = call('{"a":2}', { 'idempotency-key': '1' });
    for (const again of [timed, plain, { ...timed, headers: { ...timed.headers, 'x-gofer-delivery': '2' } }, later]) {
      expect(await kit.externalEvent(again)).toMatchObject({ statusCode: 400, message: expect.stringContaining('was done before') });
    }
    expect(kit.runs).toHaveLength(2);
    await kit.clock.advance(1_000);
    expect(await kit.externalEvent(call(body))).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(3);
  });

  test('because somebody wants it done again, starts another run, once for each time', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const one = { ...call('{}', { 'x-gofer-delivery': '1' }), deliveryId: 'd-1', received: kit.clock.now() };
    expect(await kit.externalEvent(one)).toEqual({ statusCode: 204 });
    // It is the time at which it came that is compared with its own.
    await kit.clock.advance(3_600_000);
    for (const again of [1, 2]) {
      expect(await kit.externalEvent({ ...one, again })).toEqual({ statusCode: 204 });
      expect(await kit.externalEvent({ ...one, again })).toMatchObject({ statusCode: 400 });
    }
    await kit.restart({ kill: true });
    await kit.externalEvent({ ...one, again: 2 });
    expect(kit.runs.map(({ deliveryId }) => deliveryId)).toEqual(['d-1', 'd-1', 'd-1']);
  });

  test('after a crash starts the same run', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const one = call('{}');
    await kit.externalEvent(one);
    await kit.restart({ kill: true });
    expect(await kit.externalEvent(one)).toEqual({ statusCode: 204 });
    expect(kit.requests).toHaveLength(2);
    expect(kit.runs).toHaveLength(1);
  });

  test('because the server could not start its run is made up for', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const one = call('{}');
    kit.failNext(5, '503');
    const answer = kit.externalEvent(one);
    await kit.settled();
    await kit.clock.advance(10_000);
    expect((await answer).statusCode).toBe(500);
    expect(await kit.externalEvent(one)).toEqual({ statusCode: 204 });
    expect(kit.runs).toHaveLength(1);
  });

  test('after five minutes is refused for its time, and without its time for its signature', async () => {
    const { kit, subscribe, call } = await startWebhook();
    await subscribe('one');
    const one = call('{}');
    await kit.clock.advance(301_000);
    expect(await kit.externalEvent(one)).toMatchObject({ statusCode: 400, message: expect.stringContaining('more than 5 minutes') });
    const { 'x-gofer-timestamp': timestamp, ...headers } = one.headers;
    expect((await kit.externalEvent({ headers, body: '{}' })).statusCode).toBe(400);
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      const moved = { headers: { ...headers, 'content-type': type }, body: `${timestamp}.{}` };
      expect((await kit.externalEvent(moved)).statusCode).toBe(400);
    }
    expect(kit.requests).toEqual([]);
  });
});

test('the example of the documentation signs as the extension expects it', async () => {
  const { kit, subscribe } = await startWebhook();
  await subscribe('deploy', { variables: 'VERSION!=/release/version,REGION=targets.0.region', filter: '/release/channel=stable' });
  const [example = ''] = /SECRET=\.\.\.[^]*?(?=\n\ncurl)/.exec(documentation()) ?? [];
  const script = example
    .replace('SECRET=...', `SECRET=${SECRET}`)
    .replace('$(date +%s)', String(kit.clock.now() / 1000))
    .concat('\nprintf "%s\\n" "$TIMESTAMP" "$SIGNATURE" "$BODY"');
  const [timestamp = '', signature = '', body = ''] = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n');
  const headers = {
    'content-type': 'application/json',
    'x-gofer-webhook': 'default/simple/deploy',
    'x-gofer-timestamp': timestamp,
    'x-gofer-signature-256': `sha256=${signature}`,
  };
  expect(await kit.externalEvent({ headers, body })).toEqual({ statusCode: 204 });
  expect(kit.runs[0]?.variables).toMatchObject({ VERSION: '1.2.0', REGION: 'eu' });
});

test('what it tells of itself has no secrets', async () => {
  const { kit, subscribe, call } = await startWebhook();
  await subscribe('one', { variables: 'A!=/a', filter: 'token=hush' });
  await kit.externalEvent(call('{"a":1,"token":"hush"}'));
  const debug = await kit.debug();
  expect(debug).toMatchObject({
    subscriptions: [{ name: 'default/simple/one', variables: [{ name: 'A', place: '/a' }], filter: ['token'] }],
  });
  for (const text of [JSON.stringify(debug), JSON.stringify(kit.logs)]) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('hush');
  }
  expect((await kit.info()).subscriptionParams.map(({ key, required }) => [key, required])).toEqual([
    ['secret', true],
    ['variables', false],
    ['filter', false],
  ]);
});
