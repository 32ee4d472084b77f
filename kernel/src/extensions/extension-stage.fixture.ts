/**
 * An extension manager with a database, logs and secrets in a directory of its own, a fake scheduler, and time that only the test moves. What
 * the scheduler says it runs is a small web service in this process. May be left like a server that dies, and opened again.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginInstance, Scheduler, TaskSpec } from '@gofer/contracts';
import { type FakeScript, plugin as fake } from '@gofer/scheduler-fake';
import { uuidv7 } from 'uuidv7';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ExtensionStartRecord } from '../storage/extension-starts-table.ts';
import { GLOBAL } from '../storage/secrets-table.ts';
import { Store } from '../storage/store.ts';
import { TestStores } from '../stores/test-stores.fixture.ts';
import { BoundedLogs, createInlineLogStore, type LogStore } from '../workers/logs/index.ts';
import { BuiltInHost } from './built-in-host.ts';
import { ContainerHost } from './container-host.ts';
import { ExtensionClient } from './extension-client.ts';
import { ExtensionEnvironments } from './extension-environment.ts';
import { sweepExtensionLeftovers } from './extension-leftovers.ts';
import { ExtensionManager } from './extension-manager.ts';
import { ExtensionStarts } from './extension-starts.ts';

/** A disk in memory where there is one: these tests are about what follows what, not about how long a disk takes. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const START = Date.parse('2026-01-01T00:00:00Z');
/** Of each start. */
export const LOG_BYTES = 256 * 1024;
export const SERVER_URL = 'http://172.17.0.1:8080';
export const IMAGE = 'example.com/extension';
/** Writes the key of the extension `watcher` when it is told to end. */
export const TALKING_IMAGE = 'example.com/talking';
/** The registry has none. */
export const MISSING_IMAGE = 'example.com/missing';

/** Speaks an extension's protocol, and remembers what it was asked. */
export class TestExtension {
  /** `GET /api/health` with the authorisation that came with it. */
  readonly asked: { readonly call: string; readonly authorization: string | undefined; readonly body: string }[] = [];
  isHealthy = true;
  /** It takes what it is asked, and does not answer. */
  isMute = false;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const call = `${request.method} ${request.url}`;
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
      });
      request.on('end', () => {
        this.asked.push({ call, authorization: request.headers.authorization, body });
        if (this.isMute) return;
        if (call === 'GET /api/health') response.writeHead(this.isHealthy ? 204 : 500).end();
        else if (call === 'GET /api/info') response.end(JSON.stringify({ extension_id: 'x', documentation: DOCUMENTATION }));
        else if (call === 'GET /api/debug') response.end('{"info":"inside"}');
        else response.writeHead(204).end();
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  calls(): string[] {
    return this.asked.map(({ call }) => call);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const DOCUMENTATION = {
  config_params: [],
  pipeline_subscription_params: [{ key: 'every', required: true, documentation: 'how often' }],
  body: 'An extension.',
};

interface Parts {
  readonly store: Store;
  readonly stores: TestStores;
  readonly logStore: LogStore;
  readonly logs: BoundedLogs;
  readonly manager: ExtensionManager;
}

export class ExtensionStage {
  readonly clock = new VirtualClock(START);
  readonly logged: string[] = [];
  readonly extension = new TestExtension();
  /** What each start was given, in their order. */
  readonly started: TaskSpec[] = [];
  readonly directory: string;
  #scheduler: (Scheduler & PluginInstance) | undefined;
  #parts: Parts | undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<ExtensionStage> {
    const stage = new ExtensionStage(await mkdtemp(join(PARENT, 'gofer-extensions-')));
    await stage.extension.listen();
    await stage.begin();
    return stage;
  }

  get store(): Store {
    return this.#existing.store;
  }

  get stores(): TestStores {
    return this.#existing.stores;
  }

  get logs(): BoundedLogs {
    return this.#existing.logs;
  }

  get manager(): ExtensionManager {
    return this.#existing.manager;
  }

  get scheduler(): Scheduler & PluginInstance {
    if (this.#scheduler === undefined) throw new Error('the stage is not open');
    return this.#scheduler;
  }

  get #existing(): Parts {
    if (this.#parts === undefined) throw new Error('the stage is not open');
    return this.#parts;
  }

  /** A server over the directory; its manager is still to be started. */
  async begin(): Promise<void> {
    const { directory, clock } = this;
    const log = (level: string, message: string, fields?: object): void =>
      void this.logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    const store = Store.open(join(directory, 'gofer.db'));
    const stores = new TestStores(store, directory, log);
    const logDirectory = join(directory, 'logs');
    const logStore = createInlineLogStore({ directory: logDirectory });
    const logs = new BoundedLogs({ logs: logStore, directory: logDirectory, maxBytes: LOG_BYTES, setting: 'extensions.max_log_size' });
    const { instanceId } = store.system;
    const script: FakeScript = [
      { image: MISSING_IMAGE, refuse: { code: 'IMAGE_NOT_FOUND', message: 'there is no such image' } },
      {
        image: TALKING_IMAGE,
        steps: [{ on_term: { print_base64: Buffer.from('the key of watcher\n').toString('base64'), exit: 0 } }, { sleep_ms: 3_600_000 }],
        endpoints: { '8082': this.extension.url },
      },
      { steps: [{ print: 'hello\n' }, { sleep_ms: 3_600_000 }], endpoints: { '8082': this.extension.url } },
    ];
    this.#scheduler ??= this.#watched(await fake.create({ script }, { instanceId, dataDirectory: join(directory, 'fake'), log }));
    const { scheduler } = this;
    const container = new ContainerHost({ engine: 'fake', scheduler, instanceId, useTls: false, clock, log: () => {} });
    const builtIn = new BuiltInHost({ extensions: { names: [], command: () => undefined }, clock });
    const parts = { store, secrets: stores.secrets, logs };
    const manager = new ExtensionManager({
      ...parts,
      clock,
      log,
      hosts: { builtIn, container, ofEngine: (engine) => (engine === 'fake' ? container : undefined) },
      starts: new ExtensionStarts({ ...parts, now: () => clock.now() }),
      environments: new ExtensionEnvironments({
        secrets: stores.secrets,
        references: stores.references,
        logLevel: 'info',
        tls: async () => undefined,
        baseUrl: async () => ({ url: SERVER_URL }),
      }),
      // The time that an answer takes is real.
      connect: (extensionId, url, { key, masked }) =>
        new ExtensionClient({ extensionId, url, key, masked, verifyCerts: false, clock: SYSTEM_CLOCK }),
      times: { startTimeoutMs: 60_000, healthIntervalMs: 10_000, longestRestartMs: 300_000 },
      random: () => 1 - Number.EPSILON,
      mostOutputBytes: 16 * LOG_BYTES,
      stopGraceMs: 5000,
      sweep: (isKnown, leave) => sweepExtensionLeftovers('fake', scheduler, isKnown, { instanceId, log, clock, leave }),
    });
    this.#parts = { store, stores, logStore, logs, manager };
  }

  /** As a server that dies: nobody says anything to what runs, and nothing is written any more. */
  async die(): Promise<void> {
    const { store, stores, logStore } = this.#existing;
    this.#parts = undefined;
    await logStore.close();
    store.close();
    await stores.close();
  }

  async close(): Promise<void> {
    await this.#parts?.manager.stop(0);
    if (this.#parts !== undefined) await this.die();
    await this.#scheduler?.close();
    await this.extension.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Lets things happen, and time pass where nothing else does, until `isSo`. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let moves = 0; moves < 500; moves += 1) {
      for (let turns = 0; turns < 40; turns += 1) {
        if (await isSo()) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
      this.clock.advance();
    }
    throw new Error(`${what} did not come to be; the log is\n${this.logged.join('\n')}`);
  }

  ready(id: string): Promise<void> {
    return this.until(`extension ${id} to be ready`, () => this.manager.isReady(id));
  }

  /** Oldest first. */
  startsOf(id: string): ExtensionStartRecord[] {
    return this.store.extensionStarts.listOf(this.store.extensions.uidOf(id) ?? '');
  }

  /** What runs of it ends, without a word of ours. */
  async crash(id: string): Promise<void> {
    const handle = this.startsOf(id).at(-1)?.handle;
    if (handle === undefined) throw new Error(`nothing of ${id} runs`);
    await this.scheduler.stop(handle, 0);
  }

  async putGlobalSecret(key: string, value: string): Promise<void> {
    const { store } = this;
    const { secrets } = this.stores;
    await secrets.write(Buffer.from(value), (pointer) =>
      store.commit(() => {
        secrets.adopt(pointer);
        store.secrets.put(GLOBAL, { key, value: pointer, created: this.clock.now(), namespaces: [] });
      }),
    );
  }

  async install(id: string, image = IMAGE): Promise<void> {
    const { store } = this;
    const { secrets } = this.stores;
    const now = this.clock.now();
    await secrets.write(Buffer.from(`the key of ${id}`), (key) =>
      store.commit(() => {
        secrets.adopt(key);
        const columns = { image, registry: undefined, settings: [], sealed: undefined, key, tokenId: uuidv7(), additionalRoles: [] };
        store.extensions.insert({ ...columns, id, uid: uuidv7(), enabled: true, created: now, modified: now });
      }),
    );
  }

  async addPipeline(namespaceId: string, pipelineId: string): Promise<void> {
    const { namespaces, pipelines } = this.store;
    await this.store.commit(() => {
      const now = this.clock.now();
      if (namespaces.find(namespaceId) === undefined) namespaces.insert({ id: namespaceId, name: namespaceId, description: '' }, now);
      pipelines.insert(uuidv7(), namespaceId, pipelineId, now);
    });
  }

  /** Without a word to the extension. */
  async subscribe(extensionId: string, namespaceId: string, pipelineId: string): Promise<void> {
    const { subscriptions, pipelines } = this.store;
    const pipelineUid = pipelines.find(namespaceId, pipelineId)?.uid ?? '';
    const [uid, subscriptionId] = [uuidv7(), 'one'];
    const name = { extensionId, namespaceId, pipelineId, subscriptionId };
    await this.store.commit(() => {
      subscriptions.insert({ ...name, uid, pipelineUid, settings: {}, origin: 'api', givenTo: undefined }, this.clock.now());
      subscriptions.settle(uid, { agreed: true });
    });
  }

  async logOf(start: ExtensionStartRecord | undefined): Promise<string> {
    let text = '';
    const request = { follow: false, format: 'lines', signal: new AbortController().signal } as const;
    for await (const batch of this.logs.read(start?.uid ?? '', request))
      if (batch.format === 'lines') text += Buffer.from(batch.text).toString();
    return text;
  }

  #watched(scheduler: Scheduler & PluginInstance): Scheduler & PluginInstance {
    const start = scheduler.start.bind(scheduler);
    scheduler.start = (spec, signal) => {
      this.started.push(spec);
      return start(spec, signal);
    };
    return scheduler;
  }
}
