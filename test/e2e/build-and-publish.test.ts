/** The example whose tasks speak to the API: on both engines, with authentication and without, and with each program that it may find. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Run, TaskExecution } from '@gofer/contracts/api';
import type { PipelineJson } from '@gofer/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../backends/busybox-image.ts';
import { describeNeeding } from '../backends/describe-needing.ts';
import { describeDocker } from '../backends/docker-engine.ts';
import { type Engine, GoferServer, pipelinePath, taskPath, VERSION } from './gofer-server.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/build-and-publish');
const PIPELINE = pipelinePath('build-and-publish');
const TASKS = ['build', 'test', 'publish'] as const;
/** What the tasks run beside what asks the server. */
const TOOLS = ['sh', 'mktemp', 'tar', 'gzip', 'sha256sum', 'base64', 'cut', 'rm'];
const MODES = [
  ['with authentication', true],
  ['in development mode', false],
] as const;

class ExampleServer {
  readonly server: GoferServer;
  #headers: Readonly<Record<string, string>> = VERSION;

  private constructor(server: GoferServer) {
    this.server = server;
  }

  static async start(engine: Engine, authenticated: boolean): Promise<ExampleServer> {
    const settings = authenticated
      ? ['development.bypass_auth=false', 'scheduler.process.enable=true', `secret_store.sqlite.encryption_key=${'k'.repeat(32)}`]
      : [];
    const example = new ExampleServer(await GoferServer.start(engine, { settings }));
    try {
      if (authenticated) {
        const { secret } = await example.ask<{ secret: string }>('POST', '/api/tokens/bootstrap');
        example.#headers = { ...VERSION, authorization: `Bearer ${secret}` };
      }
      await example.#deploy();
    } catch (error) {
      await example.server.close();
      throw error;
    }
    return example;
  }

  async ask<Body>(method: string, path: string, body?: object): Promise<Body> {
    const answer = await this.server.call(method, path, body, this.#headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return answer.json() as Body;
  }

  async #deploy(): Promise<void> {
    const { stdout } = await promisify(execFile)(process.execPath, ['pipeline.ts'], { cwd: EXAMPLE });
    const config = JSON.parse(stdout.replaceAll('"busybox:latest"', JSON.stringify(BUSYBOX_IMAGE))) as PipelineJson;
    const { pipeline } = await this.ask<{ pipeline: { config: { version: number } } }>('POST', `${PIPELINE}/configs`, { config });
    await this.ask('POST', `${PIPELINE}/configs/${pipeline.config.version}`);
  }

  /** What became of a run, and what its tasks have printed. */
  async run(variables: Readonly<Record<string, string>> = {}): Promise<{ readonly id: number; readonly logs: readonly string[] }> {
    const { run } = await this.ask<{ run: Run }>('POST', `${PIPELINE}/runs?wait=60`, { variables });
    const logs: string[] = [];
    for (const task of TASKS) {
      const path = taskPath('build-and-publish', run.run_id, task);
      const { task_execution } = await this.ask<{ task_execution: TaskExecution }>('GET', path);
      const log = await this.server.call('GET', `${path}/logs/raw`, undefined, this.#headers);
      logs.push(`${task} ${task_execution.status}: ${log.body.toString()}`);
    }
    return { id: run.run_id, logs };
  }

  async object(run: number, key: string): Promise<string> {
    return (await this.server.call('GET', `${PIPELINE}/runs/${run}/objects/${key}`, undefined, this.#headers)).body.toString();
  }
}

/** What a run's tasks have printed, and what they are to print. */
async function outcomeOf(example: ExampleServer, variables: Readonly<Record<string, string>> = {}) {
  const { id, logs } = await example.run(variables);
  const checksum = (await example.object(id, 'app.sha256')).slice(0, 12);
  const expected = [
    'build successful: built app.tar.gz\n',
    `test successful: app.tar.gz: OK\nthis is the app of run ${id}\n`,
    `publish successful: app.tar.gz: OK\npublishing ${checksum} of run ${id}\n`,
  ];
  return { logs, expected };
}

describe.each(MODES)('build-and-publish on the process engine %s', (_mode, authenticated) => {
  let example: ExampleServer;
  beforeAll(async () => {
    example = await ExampleServer.start('process', authenticated);
  });
  afterAll(() => example.server.close());

  it('works with what the machine has', async () => {
    const { logs, expected } = await outcomeOf(example);
    expect(logs).toEqual(expected);
  });

  it.each(['curl', 'wget'])('works with %s alone', async (client) => {
    const found = (name: string) =>
      ['/usr/bin', '/bin', '/usr/local/bin'].map((place) => join(place, name)).find((path) => existsSync(path));
    const path = join(example.server.directory, `with-${client}`);
    mkdirSync(path);
    for (const name of [...TOOLS, client]) symlinkSync(found(name) ?? `/nowhere/${name}`, join(path, name));
    const { logs, expected } = await outcomeOf(example, { PATH: path });
    expect(logs).toEqual(expected);
  });
});

describeNeeding(
  'busybox',
  'build-and-publish with busybox alone',
  existsSync('/usr/bin/busybox') ? undefined : 'no /usr/bin/busybox',
  () => {
    it('works', async () => {
      const example = await ExampleServer.start('process', true);
      try {
        const path = join(example.server.directory, 'with-busybox');
        mkdirSync(path);
        for (const name of [...TOOLS, 'wget']) symlinkSync('/usr/bin/busybox', join(path, name));
        const { logs, expected } = await outcomeOf(example, { PATH: path });
        expect(logs).toEqual(expected);
      } finally {
        await example.server.close();
      }
    });
  },
);

await describeDocker('build-and-publish', () => {
  it.each(MODES)('works on Docker %s', async (_mode, authenticated) => {
    const example = await ExampleServer.start('docker', authenticated);
    try {
      const { logs, expected } = await outcomeOf(example);
      expect(logs).toEqual(expected);
    } finally {
      await example.server.close();
    }
  });
});
