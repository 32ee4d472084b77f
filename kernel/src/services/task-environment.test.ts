/** What a task is given, from what was stored to its process and its log, over real stores. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@gofer/contracts/api';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyScheduler } from '../orchestrator/run-stage.fixture.ts';
import { ANN, NEVER, ServiceStage } from './service-stage.fixture.ts';
import type { PipelinePath } from './services.ts';

const SECRET = 's3cr3t-value-of-the-test';
const ENVIRONMENT = [{ environment: true }];
const HANGS = [{ environment: true }, { sleep_ms: 3_600_000 }];

let services: ServiceStage;
/** What the scheduler was told of each start. */
let specs: { env: Readonly<Record<string, string>>; sensitive?: boolean; registryAuth?: unknown }[];

beforeEach(async () => {
  specs = [];
  services = await ServiceStage.open({ scheduler: async (host) => recording(await fakeScheduler.create({}, host)) });
});
afterEach(() => services.close());

function recording(scheduler: AnyScheduler): AnyScheduler {
  return new Proxy(scheduler, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== 'start') return typeof value === 'function' ? value.bind(target) : value;
      return (...call: Parameters<AnyScheduler['start']>) => {
        specs.push(call[0]);
        return target.start(...call);
      };
    },
  });
}

const put = (path: PipelinePath, key: string, content: string, force = false) =>
  services.secrets.putOfPipeline(path, { key, content, force });

async function logOf(path: PipelinePath, run: Run, taskId = 'one'): Promise<string> {
  const { stream } = await services.logs.raw({ ...path, runId: run.run_id, taskId });
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

const taskOf = (path: PipelinePath, run: Run, taskId = 'one') => services.tasks.get({ ...path, runId: run.run_id, taskId });

const deploy = (id: string, variables: Readonly<Record<string, string>>, steps: readonly object[] = ENVIRONMENT, more: object = {}) =>
  services.deploy(id, [{ id: 'one', variables, steps, ...more }]);

/** Where the server has written one of these, in whatever file or line of its log. */
async function placesOf(...texts: readonly string[]): Promise<string[]> {
  const { directory, logged } = services.stage;
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    for (const text of texts) if (bytes.includes(text)) found.push(`${entry.name} has ${text}`);
  }
  for (const line of logged) for (const text of texts) if (line.includes(text)) found.push(`the log has ${text}`);
  return found;
}

async function assertNowhere(...texts: readonly string[]): Promise<void> {
  expect(await placesOf(...texts)).toEqual([]);
  // What is written is found.
  expect(await placesOf('GOFER_PIPELINE_ID')).not.toEqual([]);
}

describe('a task is given', () => {
  it('what its references stand for; the API shows the references', async () => {
    const path = await deploy('values', {
      TOKEN: ' PIPELINE_SECRET{{ token }} ',
      SHARED: 'global_secret{{shared}}',
      CONFIG: 'pipeline_object{{config}}',
      LITERAL: 'prefix pipeline_secret{{token}}',
    });
    await put(path, 'token', SECRET);
    await services.secrets.putGlobal({ key: 'shared', content: 'value of all', force: false }, ['default']);
    await services.objects.put(
      path,
      'config',
      (async function* () {
        yield Buffer.from('from an object');
      })(),
      { force: false, signal: NEVER },
    );
    const run = await services.startAndEnd(path);
    expect(run.status).toBe('successful');
    expect(specs[0]?.env).toMatchObject({
      TOKEN: SECRET,
      SHARED: 'value of all',
      CONFIG: 'from an object',
      LITERAL: 'prefix pipeline_secret{{token}}',
      GOFER_RUN_ID: '1',
      GOFER_RUN_ATTEMPT: '1',
    });
    expect(specs[0]?.sensitive).toBe(true);
    const log = await logOf(path, run);
    expect(log).toContain('TOKEN=[redacted]\n');
    expect(log).toContain('SHARED=[redacted]\n');
    expect(log).toContain('CONFIG=from an object\n');
    const { variables } = await taskOf(path, run);
    expect(variables.find(({ key }) => key === 'TOKEN')?.value).toBe(' PIPELINE_SECRET{{ token }} ');
    await assertNowhere(SECRET, 'value of all', Buffer.from(SECRET).toString('base64').slice(0, 20));
  });

  it('what its run has put, when it starts and not before', async () => {
    const path = await services.deploy('results', [
      { id: 'first', steps: HANGS },
      { id: 'second', depends_on: { first: 'Any' }, variables: { RESULT: 'run_object{{result}}' }, steps: ENVIRONMENT },
    ]);
    const run = await services.start(path);
    await services.running({ ...path, runId: run.run_id }, 'first');
    await services.objects.put(
      { ...path, runId: run.run_id },
      'result',
      (async function* () {
        yield Buffer.from('made by first');
      })(),
      { force: false, signal: NEVER },
    );
    await services.tasks.cancel({ ...path, runId: run.run_id, taskId: 'first' }, ANN, 0);
    await services.runs.wait({ ...path, runId: run.run_id }, 30, NEVER);
    expect(await logOf(path, run, 'second')).toContain('RESULT=made by first\n');
  });

  it('the run’s options under the pipeline’s own configuration, references too', async () => {
    const path = await deploy('precedence', { SAME: 'config' });
    await put(path, 'token', SECRET);
    const started = await services.start(path, { variables: { same: 'run', OTHER: 'pipeline_secret{{token}}', GOFER_RUN_ID: '77' } });
    await services.runs.wait({ ...path, runId: started.run_id }, 30, NEVER);
    expect(specs[0]?.env).toMatchObject({ SAME: 'config', OTHER: SECRET, GOFER_RUN_ID: '77' });
    expect(specs[0]?.env).not.toHaveProperty('same');
    expect(JSON.stringify(await services.runs.get({ ...path, runId: started.run_id }))).not.toContain(SECRET);
  });

  it('nothing at all where something is missing: it fails with every name and its use', async () => {
    const path = await deploy('missing', {
      A: 'pipeline_secret{{none}}',
      B: 'global_secret{{none}}',
      C: 'pipeline_object{{none}}',
      D: 'run_object{{none}}',
      E: 'unknown{{x}}',
    });
    const run = await services.startAndEnd(path);
    expect(run.status).toBe('failed');
    expect(specs).toEqual([]);
    const { status_reason: reason, exit_code } = await taskOf(path, run);
    expect([reason?.reason, exit_code]).toEqual(['failed_precondition', 1]);
    for (const word of ['A', 'B', 'C', 'D'])
      expect(reason?.description).toContain(`variable ${word} of the pipeline's configuration refers to`);
    expect(reason?.description).toContain('pipeline_secret{{none}}: pipeline ');
    expect(reason?.description).toContain('unknown{{x}}: is of the kind "unknown"');
    expect(await logOf(path, run)).toContain('variable A of the pipeline');
  });

  it('no global secret that does not admit its namespace', async () => {
    await services.namespaces.create({ id: 'team-a', name: '', description: '' });
    await services.secrets.putGlobal({ key: 'theirs', content: SECRET, force: false }, ['team-b', 'team']);
    const path = await services.deploy('stranger', [{ id: 'one', variables: { X: 'global_secret{{theirs}}' } }], { namespaceId: 'team-a' });
    const run = await services.startAndEnd(path);
    expect((await taskOf(path, run)).status_reason?.description).toContain("does not admit the namespace 'team-a'");
    await services.secrets.putGlobal({ key: 'theirs', content: SECRET, force: true }, ['team-.']);
    expect((await services.startAndEnd(path)).status).toBe('successful');
  });

  it('no value that a variable cannot carry', async () => {
    const path = await deploy('carry', {
      BINARY: 'pipeline_object{{binary}}',
      LARGE: 'pipeline_secret{{large}}',
      NUL: 'pipeline_object{{nul}}',
    });
    const bytes = (...values: readonly number[]) =>
      (async function* () {
        yield Uint8Array.from(values);
      })();
    await services.objects.put(path, 'binary', bytes(0xff, 0xfe), { force: false, signal: NEVER });
    await services.objects.put(path, 'nul', bytes(65, 0, 66), { force: false, signal: NEVER });
    await put(path, 'large', 'x'.repeat(200_000));
    const { status_reason: reason } = await taskOf(path, await services.startAndEnd(path));
    expect(reason?.description).toMatch(
      /BINARY.* is not text.*LARGE.*has 200000 bytes, and a variable can carry 131071.*NUL.* is not text/s,
    );
  });

  it('the credentials of its registry, which no answer and no file shows', async () => {
    const auth = (pass: string) => ({ registry_auth: { user: 'robot', pass } });
    const literal = await deploy('literal', {}, ENVIRONMENT, auth('hunter2-hunter2'));
    const byReference = await deploy('by-reference', {}, ENVIRONMENT, auth('pipeline_secret{{registry}}'));
    await put(byReference, 'registry', 'kept-elsewhere');
    await services.startAndEnd(literal);
    await services.startAndEnd(byReference);
    expect(specs.map(({ registryAuth }) => registryAuth)).toEqual([
      { username: 'robot', password: 'hunter2-hunter2' },
      { username: 'robot', password: 'kept-elsewhere' },
    ]);
    expect((await services.configs.get(literal, 1)).tasks['one']?.registry_auth).toEqual({ user: 'robot', pass: '[redacted]' });
    expect((await services.configs.get(byReference, 1)).tasks['one']?.registry_auth?.pass).toBe('pipeline_secret{{registry}}');
    await assertNowhere('hunter2-hunter2', 'kept-elsewhere');
  });
});

it('a password of a registry is a secret wherever it is from', async () => {
  const path = await deploy('from-object', {}, ENVIRONMENT, { registry_auth: { user: 'robot', pass: 'pipeline_object{{login}}' } });
  const body = (async function* () {
    yield Buffer.from('kept-as-an-object');
  })();
  await services.objects.put(path, 'login', body, { force: false, signal: NEVER });
  await services.startAndEnd(path);
  expect(specs).toMatchObject([{ sensitive: true, registryAuth: { username: 'robot', password: 'kept-as-an-object' } }]);
});

describe('the secrets that an attempt was given', () => {
  const given = (path: PipelinePath) =>
    services.stage.store.runs.uidsOf(services.uidOf(path)).flatMap((uid) => services.stage.store.attempts.withGiven(uid));

  it('are kept until its log is sealed, and no longer', async () => {
    const path = await deploy('kept', { TOKEN: 'pipeline_secret{{token}}' }, HANGS);
    await put(path, 'token', SECRET);
    const run = await services.start(path);
    await services.running({ ...path, runId: run.run_id }, 'one');
    expect(given(path)).toHaveLength(1);
    expect((await services.stage.stores.kept()).secrets).toHaveLength(2);
    await services.tasks.cancel({ ...path, runId: run.run_id, taskId: 'one' }, ANN, 0);
    await services.runs.wait({ ...path, runId: run.run_id }, 30, NEVER);
    expect(given(path)).toEqual([]);
    expect((await services.stage.stores.kept()).secrets).toHaveLength(1);
  });

  it('are masked after a restart, whatever has become of the secret', async () => {
    const path = await deploy('restart', { TOKEN: 'pipeline_secret{{token}}' }, [
      { environment: true },
      { on_term: { print_base64: Buffer.from(`late ${SECRET}\n`).toString('base64'), exit: 3 } },
      { sleep_ms: 3_600_000 },
    ]);
    await put(path, 'token', SECRET);
    const run = await services.start(path);
    await services.running({ ...path, runId: run.run_id }, 'one');
    await put(path, 'token', 'something else', true);
    await services.stage.leave();
    await services.stage.enter();
    services = ServiceStage.over(services.stage);
    await services.tasks.cancel({ ...path, runId: run.run_id, taskId: 'one' }, ANN, 60);
    await services.runs.wait({ ...path, runId: run.run_id }, 30, NEVER);
    expect(await logOf(path, run)).toMatch(/TOKEN=\[redacted\]\n[^]*late \[redacted\]\n$/);
    expect((await taskOf(path, run)).log?.complete).toBe(true);
    expect(given(path)).toEqual([]);
    await assertNowhere(SECRET);
  });

  it('are those of the first try where the start was not heard of before the restart', async () => {
    const path = await deploy('unheard', { TOKEN: 'pipeline_secret{{token}}' }, HANGS);
    await put(path, 'token', SECRET);
    const run = await services.start(path);
    await services.running({ ...path, runId: run.run_id }, 'one');
    await put(path, 'token', 'something else', true);
    // As if the server had died between the start and its commit.
    const { store } = services.stage;
    const [attempt] = store.attempts.listOfRun(store.runs.find(services.uidOf(path), 1)?.uid ?? '');
    await services.stage.leave();
    services.stage.forgetStart(attempt?.uid ?? '');
    await services.stage.enter();
    services = ServiceStage.over(services.stage);
    await services.running({ ...path, runId: run.run_id }, 'one');
    expect(specs.map(({ env }) => env['TOKEN'])).toEqual([SECRET, SECRET]);
    await services.runs.cancel({ ...path, runId: run.run_id }, { by: ANN, force: false });
    await services.runs.wait({ ...path, runId: run.run_id }, 30, NEVER);
  });

  it('that cannot be read after a restart leave a log that is not kept, and the task its end', async () => {
    const path = await deploy('unreadable', { TOKEN: 'pipeline_secret{{token}}' }, [
      { on_term: { print_base64: Buffer.from(`late ${SECRET}\n`).toString('base64'), exit: 3 } },
      { sleep_ms: 3_600_000 },
    ]);
    await put(path, 'token', SECRET);
    const run = await services.start(path);
    await services.running({ ...path, runId: run.run_id }, 'one');
    const { store, stores } = services.stage;
    const [lost] = given(path);
    await store.commit(() => stores.secrets.letGo([lost?.given ?? '']));
    stores.secrets.collect();
    await stores.secrets.settled();
    await services.stage.leave();
    await services.stage.enter();
    services = ServiceStage.over(services.stage);
    await services.tasks.cancel({ ...path, runId: run.run_id, taskId: 'one' }, ANN, 60);
    await services.runs.wait({ ...path, runId: run.run_id }, 30, NEVER);
    const task = await taskOf(path, run);
    expect(task.status).toBe('cancelled');
    expect(task.log).toMatchObject({ complete: false, problem: expect.stringContaining('secrets to be masked') });
    await assertNowhere(SECRET);
  });

  it('shorter than six characters are shown, with one warning in the log and in the status', async () => {
    const path = await deploy('short', { PIN: 'pipeline_secret{{pin}}', TOKEN: 'pipeline_secret{{token}}' });
    await put(path, 'pin', '12345');
    await put(path, 'token', SECRET);
    const run = await services.startAndEnd(path);
    const log = await logOf(path, run);
    expect(
      log.match(/warning: variable PIN of the pipeline's configuration \(pipeline_secret\{\{pin\}\}\) has fewer than 6 characters/g),
    ).toHaveLength(1);
    expect(log).toContain('PIN=12345\n');
    expect(log).toContain('TOKEN=[redacted]\n');
    expect((await taskOf(path, run)).warnings).toEqual([expect.stringContaining('variable PIN')]);
  });
});

it('whoever may not read secrets cannot have a task read them', async () => {
  const path = await deploy('reader', {});
  await put(path, 'token', SECRET);
  const start = (value: string, mayRead: (what: 'pipeline' | 'global' | 'runs') => boolean) =>
    services.runs.start(path, { variables: { X: value }, initiator: { id: 't', user: 't' }, mayRead });
  const refused = { code: 'PERMISSION_DENIED' };
  await expect(start('pipeline_secret{{token}}', () => false)).rejects.toMatchObject(refused);
  await expect(start('global_secret{{any}}', (kind) => kind === 'pipeline')).rejects.toMatchObject(refused);
  await expect(start('unknown{{any}}', () => true)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    details: [{ path: '$.variables.X' }],
  });
  for (const value of ['pipeline_object{{any}}', 'run_object{{any}}', 'plain']) {
    const { run_id: runId } = await start(value, () => false);
    await services.runs.wait({ ...path, runId }, 30, NEVER);
  }
});

it('passwords of registries that an earlier release stored in clear are moved to the secret store', async () => {
  const path = await deploy('earlier', {}, ENVIRONMENT, { registry_auth: { user: 'robot', pass: 'placeholder' } });
  const { store } = services.stage;
  const record = store.configs.find(services.uidOf(path), 1);
  if (record === undefined) throw new Error('not registered');
  const tasks = record.definition.tasks.map((task) => ({ ...task, registryAuth: { user: 'robot', pass: 'stored-in-clear' } }));
  await store.commit(() =>
    store.configs.replaceDefinition(services.uidOf(path), 1, { definition: { ...record.definition, tasks }, credentials: undefined }),
  );
  await services.configs.sealCredentials();
  await services.configs.sealCredentials();
  expect(JSON.stringify(store.configs.find(services.uidOf(path), 1)?.definition)).not.toContain('stored-in-clear');
  await services.startAndEnd(path);
  expect(specs[0]?.registryAuth).toEqual({ username: 'robot', password: 'stored-in-clear' });
});
