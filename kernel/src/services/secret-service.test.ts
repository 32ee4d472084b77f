import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, NEVER, ServiceStage } from './service-stage.fixture.ts';

let services: ServiceStage;
let number = 0;
beforeAll(async () => {
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
});
afterAll(() => services.close());

const newPipeline = () => services.deploy(`secrets-${(number += 1)}`, [{ id: 'one' }]);
const secret = (key: string, content: string, force = false) => ({ key, content, force });

describe('secrets of a pipeline', () => {
  it('are stored, listed without their values, shown on request and deleted', async () => {
    const path = await newPipeline();
    const stored = await services.secrets.putOfPipeline(path, secret('api_key-1', 'line one\nline two\n'));
    expect(stored).toEqual({ key: 'api_key-1', namespaces: ['default'], created: expect.any(Number) });
    await services.secrets.putOfPipeline(path, secret('another', 'x'));
    expect(JSON.stringify(await services.secrets.listOfPipeline(path, {}))).not.toContain('line');
    expect((await services.secrets.listOfPipeline(path, {})).map(({ key }) => key)).toEqual(['another', 'api_key-1']);
    expect(await services.secrets.getOfPipeline(path, 'api_key-1', false)).toEqual({ metadata: stored, secret: null });
    expect((await services.secrets.getOfPipeline(path, 'api_key-1', true)).secret).toBe('line one\nline two\n');
    await services.secrets.deleteOfPipeline(path, 'api_key-1');
    await services.secrets.deleteOfPipeline(path, 'api_key-1');
    await expect(services.secrets.getOfPipeline(path, 'api_key-1', true)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are replaced only by force; nothing of the former value stays', async () => {
    const path = await newPipeline();
    await services.secrets.putOfPipeline(path, secret('key', 'first'));
    await expect(services.secrets.putOfPipeline(path, secret('key', 'second'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await services.secrets.putOfPipeline(path, secret('key', 'second', true));
    expect((await services.secrets.getOfPipeline(path, 'key', true)).secret).toBe('second');
    const { secrets } = await services.stage.stores.kept();
    const { store } = services.stage;
    const pointed = store.pipelines.uidsAfter('', 100).flatMap((uid) => store.secrets.list(uid, -1, 0).map(({ value }) => value));
    expect(secrets.toSorted()).toEqual(pointed.toSorted());
  });

  it('put twice at once are one of the two', async () => {
    const path = await newPipeline();
    const both = await Promise.allSettled(['a', 'b'].map((value) => services.secrets.putOfPipeline(path, secret('race', value))));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect((await services.secrets.getOfPipeline(path, 'race', true)).secret).toMatch(/^[ab]$/);
  });

  it.each([
    ['an empty value', '', '0'],
    ['1 MiB and a byte', 'x'.repeat(1_048_577), '1048577'],
    ['half of a surrogate pair', 'x\ud800', 'surrogate'],
  ])('cannot be %s', async (_, content, said) => {
    const path = await newPipeline();
    const refused = services.secrets.putOfPipeline(path, secret('key', content));
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(said),
      details: [{ path: '$.content' }],
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('xxx') });
  });

  it('may have 1 MiB', async () => {
    const path = await newPipeline();
    const largest = 'ü'.repeat(524_288);
    await services.secrets.putOfPipeline(path, secret('largest', largest));
    expect((await services.secrets.getOfPipeline(path, 'largest', true)).secret === largest).toBe(true);
  });

  it.each(['', 'a b', 'a/b', 'ü', 'x'.repeat(64), 'a{{b}}'])('have no key %j', async (key) => {
    await expect(services.secrets.putOfPipeline(await newPipeline(), secret(key, 'value'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.key' }],
    });
  });

  it('of nothing are not found', async () => {
    await expect(services.secrets.listOfPipeline(at('none'), {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services.secrets.putOfPipeline(at('none'), secret('key', 'x'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('global secrets', () => {
  it('have patterns of namespaces, which are checked', async () => {
    const stored = await services.secrets.putGlobal(secret('shared', 'value'), ['team-.*', 'default']);
    expect(stored).toEqual({ key: 'shared', namespaces: ['team-.*', 'default'], created: expect.any(Number) });
    expect(await services.secrets.listGlobal({})).toEqual([stored]);
    expect(await services.secrets.getGlobal('shared', true)).toEqual({ metadata: stored, secret: 'value' });
    await expect(services.secrets.putGlobal(secret('bad', 'value'), ['ok', '[', '(?=x)', ''])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.namespaces[1]' }, { path: '$.namespaces[2]' }, { path: '$.namespaces[3]' }],
    });
    await expect(services.secrets.putGlobal(secret('bad', 'value'), [])).rejects.toMatchObject({ details: [{ path: '$.namespaces' }] });
    await services.secrets.deleteGlobal('shared');
    await services.secrets.deleteGlobal('shared');
    await expect(services.secrets.getGlobal('shared', false)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are kept apart from those of pipelines, whatever these are called', async () => {
    const path = await services.deploy('global', [{ id: 'one' }]);
    await services.secrets.putGlobal(secret('key', 'of all'), ['.*']);
    await services.secrets.putOfPipeline(path, secret('key', 'of one'));
    expect((await services.secrets.getGlobal('key', true)).secret).toBe('of all');
    expect((await services.secrets.getOfPipeline(path, 'key', true)).secret).toBe('of one');
    await services.secrets.deleteGlobal('key');
  });
});

it('rotation encrypts every value anew and leaves it as it is', async () => {
  const path = await newPipeline();
  await services.secrets.putOfPipeline(path, secret('kept', 'the value'));
  const { secrets } = await services.stage.stores.kept();
  expect(await services.secrets.rotate(NEVER)).toBe(secrets.length);
  expect((await services.secrets.getOfPipeline(path, 'kept', true)).secret).toBe('the value');
});
