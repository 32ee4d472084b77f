/** A log is followed while its server dies and comes back, and by very many at once: every line once. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { freePort } from '../clients/free-port.ts';
import { install, untilRunning } from './extension-steps.ts';
import { GOFER, GoferServer, taskPath, VERSION } from './gofer-server.ts';
import { until } from './leftovers.ts';

interface Following {
  readonly child: ChildProcessWithoutNullStreams;
  stdout: string;
  stderr: string;
}

function followByCommand(server: GoferServer, argv: readonly string[], what = 'task'): Following {
  const env = { PATH: process.env['PATH'], HOME: server.directory, GOFER_API_BASE_URL: server.url };
  const child = spawn(process.execPath, [GOFER, what, 'logs', ...argv], { cwd: server.directory, env });
  const following: Following = { child, stdout: '', stderr: '' };
  child.stdin.end();
  child.stdout.on('data', (chunk: Buffer) => (following.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (following.stderr += chunk.toString()));
  return following;
}

describe('a log that is followed across restarts of its server', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('by %s has every line once', async (signal) => {
    // It is begun again on the same port, as a restart does.
    const server = await GoferServer.start('process', { settings: ['server.shutdown_timeout=5s'], port: await freePort() });
    try {
      const end = join(server.directory, 'end');
      const script = `i=1; while [ ! -e ${end} ]; do echo "line $i"; i=$((i+1)); sleep 0.005; done; echo "last $i"`;
      await server.deploy('work', [{ id: 'counts', script }]);
      await server.run('work');
      const following = followByCommand(server, ['work', '1', 'counts', '-f']);
      const exited = once(following.child, 'close');
      for (let time = 1; time <= 2; time += 1) {
        const seen = following.stdout.length;
        await until('more lines', () => following.stdout.length > seen + 500);
        await server.end(signal);
        await until('its word on that', () => following.stderr.split('reconnecting').length > time);
        await server.begin();
      }
      const seen = following.stdout.length;
      await until('lines of the last server', () => following.stdout.length > seen + 500);
      writeFileSync(end, '');
      expect((await exited)[0]).toBe(0);
      const lines = following.stdout.trimEnd().split('\n');
      const expected = lines.map((_, index) => (index === lines.length - 1 ? `last ${index + 1}` : `line ${index + 1}`));
      expect(lines).toEqual(expected);
      expect(following.stdout).toBe((await server.rawLog('work', 1, 'counts')).toString());
      expect(following.stderr.trimEnd().split('\n').at(-1)).toMatch(/^complete: [\d,]+ lines, [\d,]+ bytes, sha256 [0-9a-f]{64}$/);
    } finally {
      await server.close();
    }
  });

  it("of an extension goes on with that of the extension's next start, and repeats nothing", async () => {
    const server = await GoferServer.start('process', { port: await freePort() });
    try {
      await install(server, 'webhook', 'builtin:webhook', {});
      await untilRunning(server, 'webhook');
      const following = followByCommand(server, ['webhook'], 'extension');
      await until('its first lines', () => following.stdout.endsWith('\n'));
      const whole = async (): Promise<string> => {
        const log = await server.socket('/api/extensions/webhook/logs?follow=false');
        if (log.socket.readyState !== WebSocket.CLOSED) await once(log.socket, 'close');
        return log.frames.join('');
      };
      const first = await whole();
      await until('all of that', () => following.stdout === first);
      await server.end('SIGKILL');
      await until('its word on that', () => following.stderr.includes('reconnecting'));
      await server.begin();
      await untilRunning(server, 'webhook');
      const second = await whole();
      await until('the lines of the next start', () => following.stdout.length >= first.length + second.length);
      expect(following.stdout).toBe(first + second);
      following.child.kill('SIGINT');
      await once(following.child, 'close');
    } finally {
      await server.close();
    }
  });
});

describe('a log with a thousand followers', () => {
  const FOLLOWERS = 1000;
  const LINES = 200;
  const text = Array.from({ length: LINES }, (_, line) => `line ${line + 1}\n`).join('');

  it('reaches each of them whole, once, at little memory', async () => {
    const server = await GoferServer.start('process', { settings: ['limits.max_web_sockets=1100'] });
    try {
      const begin = join(server.directory, 'begin');
      const script = `while [ ! -e ${begin} ]; do sleep 0.01; done; i=1; while [ $i -le ${LINES} ]; do echo "line $i"; i=$((i+1)); done`;
      await server.deploy('work', [{ id: 'counts', script }]);
      await server.run('work');
      await until('its start', async () => (await server.task('work', 1, 'counts')).state === 'running');
      const before = residentBytes(server.pid);
      const received: string[] = [];
      const ended: Promise<number>[] = [];
      for (let first = 0; first < FOLLOWERS; first += 50)
        await Promise.all(
          Array.from({ length: 50 }, async (_, offset) => {
            const number = first + offset;
            received[number] = '';
            const socket = new WebSocket(`${server.url.replace('http', 'ws')}${taskPath('work', 1, 'counts')}/logs`, {
              headers: VERSION,
              perMessageDeflate: false,
            });
            socket.on('message', (line: Buffer) => (received[number] += line.toString()));
            ended.push(once(socket, 'close').then(([code]) => code as number));
            await once(socket, 'open');
          }),
        );
      writeFileSync(begin, '');
      expect(new Set(await Promise.all(ended))).toEqual(new Set([1000]));
      expect(received.filter((all) => all === text)).toHaveLength(FOLLOWERS);
      expect(residentBytes(server.pid) - before).toBeLessThan(200e6);
    } finally {
      await server.close();
    }
  });
});

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
