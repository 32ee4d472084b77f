import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../kernel/src/clock/clock.ts';
import { BuiltInHost } from '../../../kernel/src/extensions/built-in-host.ts';
import { ExtensionClient } from '../../../kernel/src/extensions/extension-client.ts';
import { program } from '../assets.ts';
import { builtInExtensions } from './built-in-extensions.ts';
import { RUN_BUILT_IN } from './built-in-names.ts';
import { extensionModules } from './extension-modules.ts';

const KEY = 'k'.repeat(40);
const NEVER = new AbortController().signal;
const extensions = builtInExtensions({ node: process.execPath, env: { TZ: 'UTC', HOME: '/root', GOFER_TOKEN: 'hidden' } });

describe('the extensions that come with the server', () => {
  it('are those that can be loaded, each with an extension in it', async () => {
    expect(extensions.names.toSorted()).toEqual(Object.keys(extensionModules).toSorted());
    for (const load of Object.values(extensionModules)) expect(await load()).toMatchObject({ extension: expect.any(Function) });
    for (const name of ['nothing', 'constructor', '']) expect(extensions.command(name)).toBeUndefined();
  });

  it('are given nothing of the surroundings but how to reach others, and the time zone', () => {
    expect(extensions.command('webhook')?.env).toEqual({ TZ: 'UTC' });
  });

  it('run in a process of their own and end with it', async () => {
    const gofer = createServer((_, response) => response.end('{"subscriptions":[],"objects":[]}')).listen(0, '127.0.0.1');
    await once(gofer, 'listening');
    const env = {
      GOFER_EXTENSION_SYSTEM_ID: 'hooks',
      GOFER_EXTENSION_SYSTEM_SECRET: KEY,
      GOFER_EXTENSION_SYSTEM_GOFER_HOST: `127.0.0.1:${(gofer.address() as AddressInfo).port}`,
      GOFER_EXTENSION_SYSTEM_USE_TLS: 'false',
    };
    const host = new BuiltInHost({ extensions, clock: SYSTEM_CLOCK });
    const start = { uid: 'start', extensionId: 'hooks', extensionUid: 'uid', image: 'builtin:webhook', env };
    const extension = await host.start(start, () => {}, NEVER);
    const client = new ExtensionClient({ extensionId: 'hooks', url: extension.url, key: KEY, verifyCerts: true, clock: SYSTEM_CLOCK });
    try {
      await client.health();
      expect(await client.info()).toMatchObject({ body: expect.stringContaining('Webhook') });
    } finally {
      await client.close();
      // As if the server had gone.
      extension.leave();
      expect(await extension.ended).toMatchObject({ exitCode: 0 });
      gofer.close();
    }
  });

  it('say what is wrong with a name', () => {
    const { status, stderr } = spawnSync(process.execPath, [program(), ...RUN_BUILT_IN, 'nothing'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: 'x no extension "nothing" comes with this server\n' });
  });
});
