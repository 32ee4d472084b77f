import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';

const START = { method: 'POST', path: '/containers/one/start' } as const;

describe('an error of the engine itself', () => {
  let directory: string;
  let server: Server;
  let engine: Engine;
  let isLeaving: boolean;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-shutdown-'));
    const path = join(directory, 'docker.sock');
    isLeaving = false;
    server = createServer((request, response) => {
      // As an engine that shuts down: no new connection, but an answer on the one that is there.
      if (isLeaving) server.close();
      response.statusCode = request.method === 'POST' ? 500 : 200;
      response.end(JSON.stringify({ message: 'failed to update store: no such file or directory' }));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(path, resolve);
    await promise;
    engine = await Engine.open({ host: `unix://${path}`, timeout: 60 });
  });
  afterEach(() => {
    engine.close();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const codeOfStart = async (): Promise<string> => {
    const error = await engine.json(START).catch((cause: unknown) => cause);
    return codeOf(engine.failure(await engine.causeOf(error)));
  };

  it('stays one while the engine is there', async () => {
    expect(await codeOfStart()).toBe('INTERNAL');
  });

  it('is its absence while it shuts down', async () => {
    isLeaving = true;
    expect(await codeOfStart()).toBe('UNAVAILABLE');
  });
});
