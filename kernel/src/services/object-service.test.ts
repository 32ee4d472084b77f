import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, GoferError } from '@gofer/contracts';
import { fakeScheduler } from '@gofer/scheduler-fake';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NEVER, PIPELINE_OBJECT_LIMIT, ServiceStage } from './service-stage.fixture.ts';
import type { PipelineObjectOwner } from './services.ts';

let services: ServiceStage;
let number = 0;
beforeAll(async () => {
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
});
afterAll(() => services.close());

async function newPipeline(): Promise<PipelineObjectOwner> {
  number += 1;
  return services.deploy(`objects-${number}`, [{ id: 'one', steps: [{ exit: 0 }] }]);
}

async function newRun(): Promise<PipelineObjectOwner> {
  const pipeline = await newPipeline();
  return { ...pipeline, runId: (await services.startAndEnd(pipeline)).run_id };
}

async function* pieces(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part as string);
}

const put = (
  owner: PipelineObjectOwner,
  key: string,
  body: string | AsyncIterable<Uint8Array>,
  options: { force?: boolean; size?: number } = {},
) => services.objects.put(owner, key, typeof body === 'string' ? pieces(body) : body, { force: false, signal: NEVER, ...options });

async function textOf(owner: PipelineObjectOwner, key: string, range?: { start: number; end?: number }): Promise<string> {
  const contents = await services.objects.get(owner, key);
  const parts: Uint8Array[] = [];
  for await (const part of contents.read(range, NEVER)) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts).toString();
}

const keysOf = async (owner: PipelineObjectOwner): Promise<string[]> => (await services.objects.list(owner, {})).map(({ key }) => key);

/** Nothing is kept that nothing points to. */
async function assertNothingLoose(): Promise<void> {
  const { objects } = await services.stage.stores.kept();
  const { store } = services.stage;
  expect(store.looseBodies.after('objects', '', 100)).toEqual([]);
  const pointed = store.pipelines
    .uidsAfter('', 1000)
    .flatMap((uid) => [uid].concat(store.runs.uidsOf(uid)))
    .flatMap((uid) => store.objects.list(uid, -1, 0).map(({ body }) => body));
  expect(objects.toSorted()).toEqual(pointed.toSorted());
}

describe('objects', () => {
  it('of a pipeline and of its runs are put, listed, read and deleted, each apart from the others', async () => {
    const run = await newRun();
    const pipeline: PipelineObjectOwner = { namespaceId: run.namespaceId, pipelineId: run.pipelineId };
    const stored = await put(run, 'result', pieces('he', '', 'llo'));
    expect(stored).toMatchObject({ key: 'result', size: 5, created: expect.any(Number), etag: expect.stringMatching(/^"[\da-f-]{36}"$/) });
    await put(pipeline, 'result', 'of the pipeline');
    await put(pipeline, 'empty', '');
    expect(await textOf(run, 'result')).toBe('hello');
    expect(await textOf(run, 'result', { start: 1, end: 2 })).toBe('el');
    expect(await textOf(pipeline, 'result')).toBe('of the pipeline');
    expect(await keysOf(pipeline)).toEqual(['result', 'empty']);
    expect(await services.objects.list(pipeline, { limit: 1, offset: 1 })).toMatchObject([{ key: 'empty', size: 0 }]);
    await services.objects.delete(run, 'result');
    await services.objects.delete(run, 'result');
    await expect(services.objects.get(run, 'result')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('no object "result"'),
    });
    expect(await textOf(pipeline, 'result')).toBe('of the pipeline');
    await assertNothingLoose();
  });

  it('are replaced only by force, and by another entity tag', async () => {
    const owner = await newPipeline();
    const first = await put(owner, 'key', 'first');
    let taken = false;
    const body = (async function* () {
      taken = true;
      yield Buffer.from('second');
    })();
    await expect(put(owner, 'key', body)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(taken).toBe(false);
    expect(await textOf(owner, 'key')).toBe('first');
    const second = await put(owner, 'key', 'second', { force: true });
    expect(second.etag).not.toBe(first.etag);
    expect(await textOf(owner, 'key')).toBe('second');
    await assertNothingLoose();
  });

  it('put twice at once: without force one of them is told, with force the later one stays', async () => {
    const owner = await newPipeline();
    const outcomes = await Promise.allSettled([put(owner, 'race', 'a'), put(owner, 'race', 'b')]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const loser = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(codeOf(loser?.reason)).toBe('ALREADY_EXISTS');
    await Promise.all(Array.from({ length: 8 }, (_, index) => put(owner, 'race', `${index}`, { force: true })));
    expect(await textOf(owner, 'race')).toMatch(/^[0-7]$/);
    await assertNothingLoose();
  });

  it('that are being read stay whole while they are replaced or deleted', async () => {
    const owner = await newPipeline();
    const bytes = randomBytes(900_000);
    await put(owner, 'key', pieces(bytes));
    const contents = await services.objects.get(owner, 'key');
    const reader = contents.read(undefined, NEVER)[Symbol.asyncIterator]();
    const first = await reader.next();
    await put(owner, 'key', 'other', { force: true });
    await services.objects.delete(owner, 'key');
    const parts: Uint8Array[] = first.done === true ? [] : [Uint8Array.from(first.value)];
    for (let next = await reader.next(); next.done !== true; next = await reader.next()) parts.push(Uint8Array.from(next.value));
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    await assertNothingLoose();
  });

  it('whose upload fails or is aborted leave the old value, and nothing behind', async () => {
    const owner = await newPipeline();
    await put(owner, 'key', 'old');
    const broken = (async function* () {
      yield Buffer.from('half');
      throw new GoferError('CANCELLED', 'the client went away');
    })();
    await expect(put(owner, 'key', broken, { force: true })).rejects.toMatchObject({ code: 'CANCELLED' });
    const abort = new AbortController();
    const endless = (async function* () {
      for (;;) {
        yield Buffer.alloc(1000);
        abort.abort();
      }
    })();
    await expect(services.objects.put(owner, 'key', endless, { force: true, signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await textOf(owner, 'key')).toBe('old');
    await assertNothingLoose();
  });

  it('larger than they may be are refused, before or while they come', async () => {
    const owner = await newPipeline();
    await expect(put(owner, 'large', 'x', { size: 1_000_001 })).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    await expect(put(owner, 'large', pieces(Buffer.alloc(600_000), Buffer.alloc(600_000)))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('object_store.max_object_size'),
    });
    await put(owner, 'just', pieces(Buffer.alloc(1_000_000)));
    expect(await keysOf(owner)).toEqual(['just']);
    await assertNothingLoose();
  });

  it('beyond the limit of a pipeline push out the oldest one; those of runs do not', async () => {
    const run = await newRun();
    const pipeline: PipelineObjectOwner = { namespaceId: run.namespaceId, pipelineId: run.pipelineId };
    for (let index = 0; index < PIPELINE_OBJECT_LIMIT; index += 1) await put(pipeline, `key-${index}`, 'x');
    // What is put anew is the newest.
    await put(pipeline, 'key-0', 'y', { force: true });
    await put(pipeline, 'one-more', 'z');
    expect(await keysOf(pipeline)).toEqual(['key-2', 'key-0', 'one-more']);
    for (let index = 0; index < PIPELINE_OBJECT_LIMIT + 2; index += 1) await put(run, `key-${index}`, 'x');
    expect(await keysOf(run)).toHaveLength(PIPELINE_OBJECT_LIMIT + 2);
    await assertNothingLoose();
  });

  it.each(['', '.', '..', 'x'.repeat(1025), 'ü'.repeat(513), '\ud800'])('have no key %j', async (key) => {
    await expect(put(await newPipeline(), key, 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: [{ path: 'path.key' }] });
  });

  it('may have any other key, none of which meets another', async () => {
    const owner = await newRun();
    const keys = ['a/b', 'a\\b', 'a', '../a', '/a', 'a\0', 'ü'.repeat(512), 'x'.repeat(1024), 'A', '%2e%2e', 'a b', '"', '\u202e'];
    for (const key of keys) await put(owner, key, key);
    expect(await keysOf(owner)).toEqual(keys);
    for (const key of keys) expect(await textOf(owner, key)).toBe(key);
  });

  it('of nothing are not found', async () => {
    const owner = await newPipeline();
    const away: readonly PipelineObjectOwner[] = [
      { ...owner, pipelineId: 'none' },
      { ...owner, namespaceId: 'none' },
      { ...owner, runId: 99 },
    ];
    for (const other of away) {
      await expect(services.objects.list(other, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(put(other, 'key', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(services.objects.delete(other, 'key')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('whose pipeline is deleted during their upload go nowhere', async () => {
    const owner = await newPipeline();
    const slow = (async function* () {
      yield Buffer.from('x');
      await services.pipelines.delete(owner);
      yield Buffer.from('y');
    })();
    await expect(put(owner, 'key', slow)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await services.deletions.settled();
    await assertNothingLoose();
  });

  it('do not go to a pipeline that was made under the same name during their upload', async () => {
    const pipeline = await newPipeline();
    const body = async function* () {
      yield Buffer.from('half');
      await services.pipelines.delete(pipeline);
      await services.deploy(pipeline.pipelineId, [{ id: 'one', steps: [{ exit: 0 }] }]);
      yield Buffer.from('half');
    };
    await expect(put(pipeline, 'key', body())).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await keysOf(pipeline)).toEqual([]);
    await assertNothingLoose();
  });

  it('whose contents somebody has taken from the disk say so', async () => {
    const owner = await newPipeline();
    await put(owner, 'key', 'contents');
    const { store } = services.stage;
    const body = store.objects.find(services.uidOf(owner), 'key')?.body ?? '';
    await rm(join(services.stage.directory, 'objects', body));
    await expect(textOf(owner, 'key')).rejects.toMatchObject({ code: 'DATA_LOSS' });
    await services.objects.delete(owner, 'key');
  });
});

it('behave as a list of the newest keys does, whatever is done in whatever order', async () => {
  const command = fc.oneof(
    fc.record({
      do: fc.constant('put' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      value: fc.string({ maxLength: 5 }),
      force: fc.boolean(),
    }),
    fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c', 'd') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 12 }), async (commands) => {
      const owner = await newPipeline();
      let model: { key: string; value: string }[] = [];
      for (const step of commands) {
        const others = model.filter(({ key }) => key !== step.key);
        if (step.do === 'delete') {
          await services.objects.delete(owner, step.key);
          model = others;
        } else if (others.length < model.length && !step.force) {
          await expect(put(owner, step.key, step.value)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        } else {
          await put(owner, step.key, step.value, { force: step.force });
          model = [...others, { key: step.key, value: step.value }].slice(-PIPELINE_OBJECT_LIMIT);
        }
      }
      expect(await keysOf(owner)).toEqual(model.map(({ key }) => key));
      for (const { key, value } of model) expect(await textOf(owner, key)).toBe(value);
    }),
    { numRuns: 25 },
  );
  await assertNothingLoose();
});
