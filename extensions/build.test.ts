/** The single file that an image is made of: it needs nothing of this repository beside it. */
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../test/clients/free-port.ts';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'build.ts');
const directory = mkdtempSync(join(tmpdir(), 'gofer-extension-'));
/** What those need that do not start without settings. */
const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  github: {
    APP_ID: '1',
    APP_INSTALLATION: '1',
    APP_KEY: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    APP_WEBHOOK_SECRET: 'secret',
  },
};
/** A server that keeps nothing for an extension. */
const gofer = createServer((request, response) => {
  if (/\/objects(\?|$)/.test(request.url ?? '')) return void response.end('{"objects":[]}');
  response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"there is none","error_code":"NOT_FOUND"}');
});

beforeAll(async () => {
  gofer.listen(0, '127.0.0.1');
  await once(gofer, 'listening');
});
afterAll(async () => {
  gofer.closeAllConnections();
  gofer.close();
  await once(gofer, 'close');
  rmSync(directory, { recursive: true });
});

describe('a bundled extension', () => {
  it.each(['cron', 'github', 'interval', 'pipeline', 'webhook'])('of %s is one file that serves', async (name) => {
    const out = join(directory, name);
    await run(process.execPath, [script, name, '--out', out]);
    expect(readdirSync(out)).toEqual(['extension.mjs']);
    const port = await freePort();
    const child = spawn(process.execPath, ['extension.mjs'], {
      cwd: out,
      env: {
        GOFER_EXTENSION_SYSTEM_ID: name,
        GOFER_EXTENSION_SYSTEM_SECRET: 'secret-of-the-test',
        GOFER_EXTENSION_SYSTEM_GOFER_HOST: `127.0.0.1:${(gofer.address() as AddressInfo).port}`,
        GOFER_EXTENSION_SYSTEM_USE_TLS: 'false',
        GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: `127.0.0.1:${port}`,
        ...SETTINGS[name],
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let lines = '';
      const ready = new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => {
          lines += chunk.toString();
          if (lines.includes('the extension is ready')) resolve();
        });
        child.once('exit', () => reject(new Error(`it has ended: ${lines}`)));
      });
      await ready;
      const health = await fetch(`http://127.0.0.1:${port}/api/health`);
      expect(health.status).toBe(204);
      const info = await fetch(`http://127.0.0.1:${port}/api/info`, { headers: { authorization: 'Bearer secret-of-the-test' } });
      expect(await info.json()).toMatchObject({
        extension_id: name,
        documentation: { body: expect.stringContaining('## Variables of the run') },
      });
    } finally {
      const ended = once(child, 'exit');
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await ended;
      }
    }
    expect(child.exitCode).toBe(0);
  });

  it('says which there are', async () => {
    await expect(run(process.execPath, [script, 'corn', '--out', directory])).rejects.toThrow(
      /there is no extension "corn"; there are cron, .*interval, pipeline, webhook/,
    );
  });
});
