import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Engine } from './engine.ts';
import { ConnectionLost } from './engine-error.ts';

const START = { method: 'POST', path: '/containers/one/start', once: true } as const;

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

describe('a connection that breaks before the answer', () => {
  let directory: string;
  let server: Server;
  let engine: Engine;
  let seen: string[];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-broken-'));
    const path = join(directory, 'docker.sock');
    seen = [];
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://engine');
      seen.push(`${request.method} ${pathname}`);
      if (pathname === '/_ping') response.end('{}');
      else request.socket.destroy();
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(path, resolve);
    await promise;
    engine = await Engine.open({ host: `unix://${path}`, timeout: 60 });
    // What follows goes over a connection that is kept alive.
    await engine.json({ method: 'GET', path: '/_ping' });
  });
  afterEach(() => {
    engine.close();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has a start asked for once, because a second one of a task that has ended runs it again', async () => {
    await expect(engine.json(START)).rejects.toBeInstanceOf(ConnectionLost);
    expect(seen).toEqual(['GET /_ping', 'POST /containers/one/start']);
  });

  it('has anything else asked for once more', async () => {
    await expect(engine.json({ method: 'GET', path: '/containers/one/json' })).rejects.toBeInstanceOf(ConnectionLost);
    expect(seen).toEqual(['GET /_ping', 'GET /containers/one/json', 'GET /containers/one/json']);
  });
});
