import type { LogMessage } from '@gofer/contracts/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessControl } from '../access/access-control.ts';
import { hashSecret } from '../access/mint-secret.ts';
import { ExtensionStage, IMAGE, MISSING_IMAGE, SERVER_URL } from '../extensions/extension-stage.fixture.ts';
import { StoredExtensionService } from './extension-service.ts';
import type { NewExtension } from './services.ts';

const NEVER = new AbortController().signal;
const PLAIN = { image: IMAGE, settings: {}, additionalRoles: [] };

let stage: ExtensionStage;
let access: AccessControl;
let service: StoredExtensionService;
beforeEach(async () => {
  stage = await ExtensionStage.open();
  await attach();
});
afterEach(async () => {
  await access.close();
  await stage.close();
});

/** The service over the server that the stage has now, whose manager starts. */
async function attach(): Promise<void> {
  const { store, manager } = stage;
  access = new AccessControl({
    store,
    authenticate: async (token) => {
      const found = store.tokens.byHash(hashSecret(token));
      if (found === undefined) throw new Error('there is no such token');
      return { id: found.id, user: found.user, roles: found.roles, groups: [] };
    },
    now: () => stage.clock.now(),
    log: () => {},
  });
  service = new StoredExtensionService({
    store,
    manager,
    access,
    secrets: stage.stores.secrets,
    objects: stage.stores.objects,
    logs: stage.logs,
    builtIns: ['cron', 'interval'],
    now: () => stage.clock.now(),
  });
  manager.start();
}

async function install(id = 'watcher', registration: Partial<NewExtension> = {}): Promise<void> {
  await service.install({ id, ...PLAIN, ...registration }, 0, NEVER);
}

/** What the latest start of it was given. */
async function environmentOf(id: string): Promise<Readonly<Record<string, string>>> {
  await stage.ready(id);
  return stage.started.at(-1)?.env ?? {};
}

function eventKinds(): string[] {
  return stage.store.events.after(0, 100).flatMap(({ event }) => Object.keys(event.kind));
}

describe('an extension that is installed', () => {
  it('is told about the server, runs, and is shown with its documentation and without what is secret', async () => {
    await install('watcher', { settings: { MODE: 'quiet', TOKEN: 'global_secret{{ token }}' } });
    await stage.until('the reason', async () => (await service.get('watcher')).next_start !== undefined);
    expect((await service.get('watcher')).last_error?.message).toBe(
      'setting TOKEN refers to global_secret{{token}}: there is no such global secret; an administrator stores it with: gofer secret global put token',
    );
    await stage.putGlobalSecret('token', 'the secret value');
    const env = await environmentOf('watcher');
    const key = env['GOFER_EXTENSION_SYSTEM_SECRET'];
    expect(env).toEqual({
      GOFER_EXTENSION_SYSTEM_ID: 'watcher',
      GOFER_EXTENSION_SYSTEM_LOG_LEVEL: 'info',
      GOFER_EXTENSION_SYSTEM_SECRET: expect.stringMatching(/^gofer_/),
      GOFER_EXTENSION_SYSTEM_USE_TLS: 'false',
      GOFER_EXTENSION_SYSTEM_TLS_CERT: '',
      GOFER_EXTENSION_SYSTEM_TLS_KEY: '',
      GOFER_EXTENSION_SYSTEM_GOFER_HOST: '172.17.0.1:8080',
      GOFER_EXTENSION_SYSTEM_GOFER_URL: SERVER_URL,
      GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '0.0.0.0:8082',
      MODE: 'quiet',
      TOKEN: 'the secret value',
    });
    expect(await service.list()).toEqual([
      expect.objectContaining({
        state: 'running',
        health: 'healthy',
        engine: 'fake',
        url: stage.extension.url,
        documentation: expect.objectContaining({ body: 'An extension.' }),
        registration: expect.objectContaining({
          extension_id: 'watcher',
          status: 'enabled',
          settings: [
            { key: 'MODE', value: '[redacted]', source: 'system' },
            { key: 'TOKEN', value: 'global_secret{{token}}', source: 'system' },
          ],
        }),
      }),
    ]);
    expect(stage.extension.asked.find(({ call }) => call === 'GET /api/info')?.authorization).toBe(`Bearer ${key}`);
    expect(await service.debug('watcher')).toBe('inside');
    expect(eventKinds()).toEqual(['created_role', 'installed_extension']);
  });

  it('is answered with as soon as it could not be started, however long it may be waited for', async () => {
    const extension = await service.install({ id: 'watcher', ...PLAIN, image: MISSING_IMAGE }, 60, NEVER);
    expect(extension).toMatchObject({ state: 'exited', last_error: { message: extension.state_reason } });
  });

  it('has a token with a role of its own, which reaches what is subscribed to it', async () => {
    await stage.addPipeline('default', 'mine');
    await stage.addPipeline('default', 'another');
    await install('watcher', { additionalRoles: ['anonymous'] });
    await stage.subscribe('watcher', 'default', 'mine');
    const key = (await environmentOf('watcher'))['GOFER_EXTENSION_SYSTEM_SECRET'] ?? '';
    const principal = await access.ofToken(key);
    expect(principal).toMatchObject({
      user: 'watcher (extension)',
      roles: ['extension_watcher', 'anonymous'],
      extension: { id: 'watcher' },
    });
    const may = (
      action: 'read' | 'write' | 'delete',
      resources: ('namespaces' | 'pipelines' | 'runs' | 'objects')[],
      pipeline_id: string,
    ) => access.authorize(principal, { action, resources }, { namespace_id: 'default', pipeline_id });
    expect(may('write', ['namespaces', 'pipelines', 'runs'], 'mine')).toBe(true);
    expect(may('write', ['namespaces', 'pipelines', 'runs'], 'another')).toBe(false);
    expect(may('write', ['namespaces', 'pipelines'], 'mine')).toBe(false);
    expect(may('read', ['namespaces', 'pipelines', 'objects'], 'mine')).toBe(false);
    expect(may('delete', ['namespaces', 'pipelines', 'runs'], 'mine')).toBe(false);
    // By its additional role, everywhere.
    expect(may('read', ['namespaces', 'pipelines', 'runs'], 'another')).toBe(true);

    await service.update('watcher', { enable: false });
    const disabled = await access.ofToken(key);
    expect(
      access.authorize(
        disabled,
        { action: 'write', resources: ['namespaces', 'pipelines', 'runs'] },
        { namespace_id: 'default', pipeline_id: 'mine' },
      ),
    ).toBe(false);
    expect(access.authorize(disabled, { action: 'write', resources: ['extensions', 'objects'] }, { extension_id: 'watcher' })).toBe(true);
    await service.update('watcher', { enable: true });
    await expect(access.ofToken(key)).rejects.toThrow('no such token');
  });

  it('is refused where it cannot be used, with everything that is wrong', async () => {
    const wrong = {
      id: 'x',
      image: 'builtin:nothing',
      settings: { 'A B': '', GOFER_EXTENSION_SYSTEM_ID: 'y', OBJECT: 'pipeline_object{{a}}' },
      additionalRoles: ['bootstrap', 'nobody-has-it', 'extension_x'],
    };
    await expect(service.install(wrong, 0, NEVER)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: expect.arrayContaining(
        [
          '$.id',
          '$.image',
          '$.settings.GOFER_EXTENSION_SYSTEM_ID',
          '$.settings.OBJECT',
          '$.additional_roles[0]',
          '$.additional_roles[1]',
          '$.additional_roles[2]',
        ].map((path) => expect.objectContaining({ path })),
      ),
    });
    expect(stage.store.extensions.list()).toEqual([]);
    await install();
    await expect(install()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('a change of an extension', () => {
  it('starts it anew, with another token and the settings that it had', async () => {
    await install('watcher', { settings: { KEPT: 'a', CHANGED: 'b', GONE: 'c' } });
    const before = await environmentOf('watcher');
    await service.update('watcher', { settings: { CHANGED: 'd', GONE: null } });
    await stage.until('another start', () => stage.started.length === 2);
    const after = await environmentOf('watcher');
    expect(after).toMatchObject({ KEPT: 'a', CHANGED: 'd' });
    expect(after).not.toHaveProperty('GONE');
    const [old, current] = [before, after].map((env) => hashSecret(env['GOFER_EXTENSION_SYSTEM_SECRET'] ?? ''));
    expect(stage.store.tokens.byHash(old ?? '')).toBeUndefined();
    expect(stage.store.tokens.byHash(current ?? '')?.user).toBe('watcher (extension)');
    expect(stage.extension.calls()).toContain('POST /api/shutdown');
    expect((await service.get('watcher')).restarts).toBe(0);
  });

  it('does not take what is shown in the place of a value for one', async () => {
    await install('watcher', { settings: { TOKEN: 'a value' }, registryAuth: { user: 'me', pass: 'a password' } });
    const { registration } = await service.get('watcher');
    const shown = Object.fromEntries(registration.settings.map(({ key, value }) => [key, value]));
    const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('leave it out') };
    await expect(service.update('watcher', { settings: shown })).rejects.toMatchObject(refused);
    await expect(service.update('watcher', { registryAuth: registration.registry_auth })).rejects.toMatchObject(refused);
    expect(await environmentOf('watcher')).toMatchObject({ TOKEN: 'a value' });
  });

  it('that disables it ends it, and tells who asks for it', async () => {
    await install();
    await stage.ready('watcher');
    await service.update('watcher', { enable: false });
    await stage.until('its end', () => stage.startsOf('watcher').every(({ ended }) => ended !== 0));
    expect(await service.get('watcher')).toMatchObject({
      state: 'exited',
      state_reason: 'it is disabled',
      registration: { status: 'disabled' },
    });
    await expect(service.debug('watcher')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: "The extension 'watcher' does not run: it is disabled.",
    });
    await service.update('watcher', { enable: true });
    await stage.ready('watcher');
    expect(eventKinds()).toEqual(['created_role', 'installed_extension', 'disabled_extension', 'enabled_extension']);
  });
});

describe('an extension that is uninstalled', () => {
  it.for([IMAGE, MISSING_IMAGE])('leaves nothing behind, where it ran as where it never did (%s)', async (image) => {
    await stage.addPipeline('default', 'mine');
    await install('watcher', { image, settings: { A: 'b' } });
    if (image === IMAGE) await stage.ready('watcher');
    else await stage.until('a failure', async () => (await service.get('watcher')).last_error !== undefined);
    await stage.subscribe('watcher', 'default', 'mine');
    const [{ uid }, starts] = [stage.store.extensions.find('watcher') ?? { uid: '' }, stage.startsOf('watcher')];
    let isGone = false;
    void service.uninstall('watcher').then(() => {
      isGone = true;
    });
    await stage.until('its end', () => isGone);
    expect(stage.store.extensions.list()).toEqual([]);
    expect(stage.store.extensionStarts.listOf(uid)).toEqual([]);
    expect(stage.store.subscriptions.ofExtension('watcher')).toEqual([]);
    expect(stage.store.tokens.list(-1, 0)).toEqual([]);
    expect(await stage.stores.kept()).toEqual({ objects: [], secrets: [] });
    for (const start of starts) await expect(stage.logs.stat(start.uid)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await stage.scheduler.list({})).toEqual([]);
    expect(eventKinds().slice(2)).toEqual(['pipeline_extension_subscription_unregistered', 'deleted_role', 'uninstalled_extension']);
    await expect(service.get('watcher')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the extensions that every server has', () => {
  it('are installed once: one that is uninstalled stays so', async () => {
    await service.installStandard();
    expect((await service.list()).map(({ registration }) => registration.image)).toEqual(['builtin:cron', 'builtin:interval']);
    await service.uninstall('cron');
    await service.installStandard();
    expect(stage.store.extensions.list().map(({ id }) => id)).toEqual(['interval']);
  });
});

describe('the log of an extension', () => {
  it('is that of its latest start, and goes on with the next one', async () => {
    await install();
    await expect(service.logs('watcher', { follow: false, format: 'lines', signal: NEVER })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const stop = new AbortController();
    const lines: string[] = [];
    const reading = (async () => {
      for await (const batch of await service.logs('watcher', { follow: true, format: 'lines', signal: stop.signal }))
        if (batch.format === 'lines') lines.push(...Buffer.from(batch.text).toString().trimEnd().split('\n'));
    })();
    await stage.ready('watcher');
    await stage.crash('watcher');
    await stage.until('both', () => lines.length === 3);
    expect(lines).toEqual(['hello', 'started again: it ended with exit code 137 (ended by SIGKILL)', 'hello']);
    stop.abort();
    await expect(reading).rejects.toBeDefined();
  });

  it('is that of its latest start also where the clock was set back before that', async () => {
    await install();
    await stage.ready('watcher');
    const [first] = stage.startsOf('watcher');
    stage.clock.stepWall(-3_600_000);
    await stage.crash('watcher');
    await stage.until('the next start', () => stage.started.length === 2 && stage.manager.isReady('watcher'));
    const latest = stage.startsOf('watcher').at(-1);
    expect(latest?.uid).not.toBe(first?.uid);
    expect(latest?.ended).toBe(0);
    let text = '';
    for await (const batch of await service.logs('watcher', { follow: false, format: 'lines', signal: NEVER }))
      if (batch.format === 'lines') text += Buffer.from(batch.text).toString();
    expect(text).toMatch(/^started again: /);
  });

  it('says how many of its lines were dropped, and numbers the others as they came, where there were too many', async () => {
    const piece = Buffer.from('so many words, and no end of them\n'.repeat(1000));
    stage.scheduler.logs = async function* (_, { after = '0' }) {
      for (let at = Number(after) + 1; at <= 50; at += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        yield { stream: 'stdout', bytes: piece, cursor: String(at) };
      }
    };
    await install();
    await stage.ready('watcher');
    const uid = stage.startsOf('watcher').at(0)?.uid ?? '';
    await stage.until('the end of its output', async () => (await stage.logs.stat(uid)).seal !== undefined);
    const messages = await messagesOf(undefined, 1);
    const end = messages.pop();
    expect(end?.firstLine).toBeGreaterThan(0);
    expect((end?.firstLine ?? 0) + (end?.end?.lines ?? 0)).toBe(50_000);
    expect(messages.at(-1)?.firstLine).toBe(50_000 - (messages.at(-1)?.lines.length ?? 0));
  });

  it('goes on behind a cursor, whichever start that is of, and says where the log of one is gone', async () => {
    await install();
    await stage.ready('watcher');
    await stage.crash('watcher');
    await stage.until('the next start', () => stage.started.length === 2 && stage.manager.isReady('watcher'));
    const messages = await messagesOf(undefined, 1);
    expect(messages.at(-1)?.end).toMatchObject({ attempt: 1, lines: 2 });
    const [first, second] = stage.startsOf('watcher').map(({ uid }) => uid);
    const behindFirst = `${first}-0.`;
    const both = await messagesOf(behindFirst, 2);
    const texts = both.flatMap(({ lines }) => lines.map(({ text }) => text));
    expect(texts).toEqual(['hello', expect.stringMatching(/^started again/), 'hello']);
    // Behind each of them comes what is behind it, and nothing else.
    for (const [index, { cursor }] of both.entries()) {
      const rest = await messagesOf(cursor, cursor.startsWith(`${first}`) ? 2 : 1);
      const expected = both.slice(index + 1).flatMap(({ lines }) => lines.map(({ text }) => text));
      expect(rest.flatMap(({ lines }) => lines.map(({ text }) => text))).toEqual(expected);
    }
    await stage.logs.delete(first ?? '');
    const later = await messagesOf(behindFirst, 1);
    expect(later[0]?.lines[0]).toMatchObject({ stream: 'gofer', text: expect.stringContaining('was dropped') });
    expect(later[0]?.cursor).toBe(`${second}-0.`);
    for (const after of ['x', `${second}-1.`, `${second}-x`, `${'f'.repeat(36)}-0.`]) {
      const reading = service.logs('watcher', { after, follow: false, format: 'json', signal: NEVER });
      await expect(reading).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });
});

/** Until so many starts have been told to their end, or to what is there now of the last. */
async function messagesOf(after: string | undefined, starts: number): Promise<LogMessage[]> {
  const messages: LogMessage[] = [];
  const stop = new AbortController();
  const request = { follow: starts > 1, format: 'json', signal: stop.signal, ...(after === undefined ? {} : { after }) } as const;
  const latest = stage.startsOf('watcher').at(-1)?.uid ?? '';
  try {
    for await (const batch of await service.logs('watcher', request)) {
      if (batch.format === 'json') messages.push(JSON.parse(Buffer.from(batch.json).toString()));
      if (batch.format === 'end')
        messages.push({ cursor: batch.cursor, firstLine: batch.dropped, lines: [], end: { attempt: batch.attempt, ...batch.stat } });
      // The second line of the latest is the last that there is.
      if (starts > 1 && messages.at(-1)?.cursor.startsWith(latest) === true && messages.at(-1)?.lines.at(-1)?.text === 'hello')
        stop.abort();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return messages;
}
