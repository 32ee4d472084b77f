import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStage } from '../testing/object-stage.ts';

let stage: ObjectStage;
beforeAll(async () => {
  stage = await ObjectStage.start();
});
beforeEach(async () => await stage.newPipeline());
afterAll(async () => await stage?.close());

describe('objects of a run', () => {
  it('are those of the run that is named', async () => {
    await stage.startRun();
    await stage.startRun();
    expect(await stage.ofRun('put', ['1', 'key=one'])).toEqual({ code: 0, stdout: "✓ Successfully uploaded object 'key'\n", stderr: '' });
    await stage.ofRun('put', ['2', '3', 'hello.txt']);
    expect((await stage.ofRun('get', ['1', 'key'])).stdout).toBe('one');
    expect((await stage.ofRun('get', ['2', '3'])).stdout).toBe('hello\n');
    expect((await stage.ofRun('list', ['1'])).stdout).toMatch(/^key /mu);
    expect(await stage.ofRun('delete', ['1', 'key'])).toMatchObject({ code: 0, stdout: "✓ Successfully removed object 'key'\n" });
    expect(await stage.ofRun('get', ['1', 'key'])).toMatchObject({ code: 3 });
    expect((await stage.ofRun('delete', ['1', 'key'])).stderr).toBe(`x run #1 of pipeline '${stage.pipeline}' has no object 'key'\n`);
    expect(await stage.ofRun('put', ['99', 'key=1'])).toMatchObject({ code: 3 });
  });

  it('are those of the newest run where none is named, which is said', async () => {
    expect((await stage.ofRun('put', ['key=1'])).stderr).toMatch(/has no runs yet.*gofer run start/u);
    await stage.startRun();
    await stage.startRun();
    expect((await stage.ofRun('put', ['key=two'])).stdout).toBe("✓ Successfully uploaded object 'key' of run #2 (the newest one)\n");
    expect(await stage.ofRun('get', ['key'])).toEqual({ code: 0, stdout: 'two', stderr: 'Object of run #2 (the newest one):\n' });
    expect((await stage.ofRun('list')).stderr).toBe('Objects of run #2 (the newest one):\n');
    expect(JSON.parse((await stage.ofRun('put', ['other=1', '--output-format', 'json'])).stdout)).toMatchObject({
      run_id: 2,
      key: 'other',
    });
    expect((await stage.ofRun('delete', ['key'])).stdout).toBe("✓ Successfully removed object 'key' of run #2 (the newest one)\n");
  });

  it('are those of the run that a task is in, as long as that is one of the same pipeline', async () => {
    await stage.startRun();
    await stage.startRun();
    const within = { GOFER_RUN_ID: '1', GOFER_PIPELINE_ID: stage.pipeline, GOFER_NAMESPACE_ID: 'default' };
    expect((await stage.ofRun('put', ['key=1'], { env: within })).stdout).toContain('of run #1 (GOFER_RUN_ID)');
    const elsewhere = { ...within, GOFER_PIPELINE_ID: 'other' };
    expect((await stage.ofRun('put', ['key=1'], { env: elsewhere })).stdout).toContain('of run #2 (the newest one)');
    expect(await stage.ofRun('put', ['key=1'], { env: { GOFER_RUN_ID: 'x' } })).toMatchObject({ code: 2 });
  });

  it('are not guessed at', async () => {
    for (const [verb, ...words] of [
      ['get', '7'],
      ['delete', '7'],
      ['put', '7', 'hello.txt'],
      ['put', '7'],
    ] as [string, ...string[]][]) {
      const { code, stderr } = await stage.ofRun(verb, words);
      expect(stderr).toContain(`gofer run object ${verb} ${stage.pipeline} 7 `);
      expect(code).toBe(2);
    }
    expect(await stage.ofRun('get', ['one', 'key'])).toMatchObject({ code: 2 });
  });

  it("that have expired say so, with the server's words", async () => {
    await stage.startRun();
    await stage.ofRun('put', ['1', 'key=1']);
    for (let count = 0; count < 3; count += 1) await stage.startRun();
    const path = { namespace_id: 'default', pipeline_id: stage.pipeline, run_id: 1 };
    await expect.poll(async () => (await stage.client.call('get_run', { path })).run.store_objects_expired, { timeout: 30_000 }).toBe(true);
    for (const words of [
      ['get', '1', 'key'],
      ['list', '1'],
      ['put', '1', 'other=1'],
    ] as [string, ...string[]][]) {
      const [verb, ...rest] = words;
      const { code, stderr } = await stage.ofRun(verb, rest);
      expect(stderr).toMatch(/^x .*run 1 .*expired .*object_store\.run_object_expiry/u);
      expect(code).toBe(3);
    }
  });

  it('go with their run', async () => {
    await stage.startRun();
    await stage.ofRun('put', ['1', 'key=1']);
    const path = { namespace_id: 'default', pipeline_id: stage.pipeline };
    expect(await stage.gofer(['run', 'delete', stage.pipeline, '1'])).toEqual({
      code: 0,
      stdout: `✓ Deleted run #1 of ${stage.pipeline}, with its logs and objects\n`,
      stderr: '',
    });
    expect(await stage.ofRun('get', ['1', 'key'])).toMatchObject({ code: 3 });
    expect(await stage.gofer(['run', 'get', stage.pipeline, '1'])).toMatchObject({ code: 3 });
    expect((await stage.client.call('list_runs', { path })).runs).toEqual([]);
    expect(await stage.gofer(['run', 'delete', stage.pipeline, '1'])).toMatchObject({ code: 3 });
  });
});
