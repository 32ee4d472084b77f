/** A server's subscriptions and an extension that really speaks HTTP, both of which can die and come back. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import type { ExtensionDocumentation, Parameter, Subscription } from '@gofer/contracts/api';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import type { ExtensionCalls } from '../extensions/extension-calls.ts';
import { ExtensionClient } from '../extensions/extension-client.ts';
import { endSubscriptionsOfPipeline } from '../extensions/subscription-ends.ts';
import { SubscriptionKeeper } from '../extensions/subscription-keeper.ts';
import { CompiledConfigs } from '../orchestrator/compiled-configs.ts';
import { Store } from '../storage/store.ts';
import { TestStores } from '../stores/test-stores.fixture.ts';
import { Lookup } from './lookup.ts';
import type { SubscriptionPath } from './services.ts';
import { StoredSubscriptionService } from './subscription-service.ts';

export const EXTENSION = 'probe';

const DOCUMENTED: readonly Parameter[] = [
  { key: 'every', required: true, documentation: 'how often' },
  { key: 'token', required: false, documentation: '' },
];

interface WireSubscription {
  readonly namespace_id: string;
  readonly pipeline_id: string;
  readonly pipeline_subscription_id: string;
  readonly pipeline_subscription_params?: Readonly<Record<string, string>>;
}

/** As v0's are: what it has twice it does twice, `every: "never"` it refuses, saying too much, and events for what it does not have. */
export class ProbeExtension {
  readonly calls: string[] = [];
  /** Each by its pipeline and its id. */
  held: { readonly name: string; readonly params: Readonly<Record<string, string>> }[] = [];
  /** Called when a call has taken effect and before it is answered. */
  beforeAnswer: (call: string) => Promise<void> | void = () => undefined;
  /** Answers nothing, and does nothing, of these. */
  broken: (call: string) => boolean = () => false;
  /** As v0's are, which answer nothing where they are to let go of what they do not have. */
  dropsUnknown = false;
  /** As those that come with the server: a new one takes the place of one of its name. */
  replaces = false;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const whole = Buffer.concat(pieces).toString();
    if (request.url === '/api/external-event') await this.#takeEvent(JSON.parse(whole) as { headers: { for: string } }, response);
    else await this.#takeSubscription(JSON.parse(whole) as WireSubscription, request, response);
  }

  async #takeEvent({ headers }: { headers: { for: string } }, response: ServerResponse): Promise<void> {
    this.calls.push(`event for ${headers.for}`);
    await this.beforeAnswer(`event for ${headers.for}`);
    response.writeHead(this.held.some(({ name }) => name === headers.for) ? 204 : 400).end();
  }

  async #takeSubscription(body: WireSubscription, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = `${body.pipeline_id}/${body.pipeline_subscription_id}`;
    const call = `${request.method === 'POST' ? 'subscribe' : 'unsubscribe'} ${name}`;
    this.calls.push(call);
    const isUnknown = request.method === 'DELETE' && !this.held.some((held) => held.name === name);
    if (this.broken(call) || (this.dropsUnknown && isUnknown)) return void request.socket.destroy();
    const params = body.pipeline_subscription_params ?? {};
    const isRefused = request.method === 'POST' && params['every'] === 'never';
    if (request.method === 'DELETE') this.held = this.held.filter((held) => held.name !== name);
    else if (!isRefused) this.held = [...this.held.filter((held) => !this.replaces || held.name !== name), { name, params }];
    await this.beforeAnswer(call);
    if (isRefused)
      response.writeHead(400).end(JSON.stringify({ message: `never is no interval for ${params['token'] ?? 'it'}`, request_id: 'r' }));
    // What v0's answer.
    else response.writeHead(request.method === 'DELETE' ? 201 : 204).end();
  }
}

export class SubscriptionStage {
  readonly directory = mkdtempSync(join(tmpdir(), 'gofer-subscriptions-'));
  readonly logged: string[] = [];
  readonly extension = new ProbeExtension();
  clock = new VirtualClock(1_000_000);
  store!: Store;
  stores!: TestStores;
  keeper!: SubscriptionKeeper;
  dispatcher!: DeliveryDispatcher;
  service!: StoredSubscriptionService;
  /** Resolves when the server that died last is quite dead. */
  dying: Promise<void> = Promise.resolve();
  #leave = new AbortController();
  #client: ExtensionClient | undefined;
  isReady = false;
  #url = '';
  #starts = 0;
  #healthy: ((extensionId: string) => Promise<void>)[] = [];
  #ready: ((extensionId: string) => void)[] = [];

  static async open(image = 'any'): Promise<SubscriptionStage> {
    const stage = new SubscriptionStage();
    stage.#url = await stage.extension.open();
    await stage.enter();
    await stage.install(image);
    await stage.makePipeline('one');
    return stage;
  }

  /** A server starts over the database that is there. */
  async enter(): Promise<void> {
    await this.dying;
    this.#leave = new AbortController();
    this.#healthy = [];
    this.#ready = [];
    this.clock = new VirtualClock(this.clock.now());
    this.store = Store.open(join(this.directory, 'gofer.db'));
    const log = (level: string, message: string, fields?: object): void => {
      if (level === 'error') this.logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    };
    this.stores = new TestStores(this.store, this.directory, log);
    const { store, clock } = this;
    const parts = { store, references: this.stores.references, calls: this.#calls(), leave: this.#leave.signal };
    this.dispatcher = new DeliveryDispatcher({ ...parts, clock, log, random: () => 0 });
    this.keeper = new SubscriptionKeeper({ ...parts, deliveries: this.dispatcher, clock, log });
    const lookup = new Lookup(store, new CompiledConfigs(store));
    this.service = new StoredSubscriptionService({ ...parts, keeper: this.keeper, lookup, now: () => clock.now() });
    this.keeper.resume();
  }

  /** The server dies as it stands: nothing more of it is written. */
  crash(): Promise<void> {
    this.dying = this.#crash();
    return this.dying;
  }

  async #crash(): Promise<void> {
    const { keeper, stores } = this;
    this.#leave.abort();
    const closed = this.dispatcher.close(0);
    this.store.close();
    await this.stopClient();
    await Promise.all([keeper.settled(), closed]);
    await stores.close();
  }

  async close(): Promise<void> {
    await this.keeper.settled();
    await this.crash();
    await this.extension.close();
    rmSync(this.directory, { recursive: true });
  }

  /** Nothing gets through to the extension any more, which goes on. */
  async stopClient(): Promise<void> {
    this.isReady = false;
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  /** The extension ends, with all that it has in mind. */
  async stop(): Promise<void> {
    await this.stopClient();
    this.extension.held = [];
    const uid = this.store.subscriptions.currentStart(EXTENSION);
    if (uid !== undefined) await this.store.commit(() => this.store.extensionStarts.setEnded(uid, this.clock.now()));
  }

  /** A new life of it. `asking`: like v0's it asks for its subscriptions while it starts, and serves those. */
  async start({ asking = false } = {}): Promise<void> {
    const extensionUid = this.store.extensions.uidOf(EXTENSION) ?? '';
    const start = { uid: `start-${(this.#starts += 1)}`, extensionUid, engine: 'test', given: undefined, fingerprint: '' };
    await this.store.commit(() => this.store.extensionStarts.insert({ ...start, created: this.#starts }));
    if (asking) {
      for (const told of await this.service.ofExtension(EXTENSION, { own: true }))
        this.extension.held.push({ name: nameOf(told), params: told.settings });
    }
    await this.adopt();
  }

  /** The server finds it, healthy. */
  async adopt(): Promise<void> {
    this.#client = new ExtensionClient({
      extensionId: EXTENSION,
      url: this.#url,
      key: 'key',
      verifyCerts: true,
      clock: SYSTEM_CLOCK,
      callTimeoutMs: 5000,
    });
    for (const listener of this.#healthy) await listener(EXTENSION);
    this.recover();
  }

  /** It is ready, or well again. */
  recover(): void {
    this.isReady = true;
    for (const listener of this.#ready) listener(EXTENSION);
  }

  async install(image: string): Promise<void> {
    const record = {
      id: EXTENSION,
      uid: `uid-of-${EXTENSION}`,
      image,
      registry: undefined,
      settings: [],
      sealed: undefined,
      key: 'k',
      tokenId: 't',
      additionalRoles: [],
      enabled: true,
      created: 1,
      modified: 1,
    };
    const documentation: ExtensionDocumentation = { config_params: [], pipeline_subscription_params: [...DOCUMENTED], body: '' };
    await this.store.commit(() => {
      this.store.namespaces.insert({ id: 'default', name: '', description: '' }, 1);
      this.store.extensions.insert(record);
      this.store.extensions.setDocumentation(record.uid, documentation);
    });
  }

  async makePipeline(pipelineId: string, uid = `uid-of-${pipelineId}`): Promise<void> {
    await this.store.commit(() => this.store.pipelines.insert(uid, 'default', pipelineId, 1));
  }

  /** As the pipeline service does it. */
  async deletePipeline(pipelineId: string): Promise<void> {
    const uid = this.store.pipelines.find('default', pipelineId)?.uid ?? '';
    const ended = await this.store.commit(() => {
      this.store.pipelines.hide(uid, 1);
      return endSubscriptionsOfPipeline(this.store, uid, 1);
    });
    for (const key of ended) this.keeper.settleSoon(key);
  }

  create(path: SubscriptionPath, settings: Readonly<Record<string, string>> = { every: '5m' }): Promise<Subscription> {
    return this.service.create(path, { settings, origin: 'api', mayRead: () => true });
  }

  update(path: SubscriptionPath, change: Partial<Parameters<StoredSubscriptionService['update']>[1]>): Promise<void> {
    return this.service.update(path, { mayRead: () => true, ...change });
  }

  eventNames(): string[] {
    return this.store.events.after(0, 1000).flatMap(({ event }) => Object.keys(event.kind));
  }

  #calls(): ExtensionCalls {
    const client = (): ExtensionClient => {
      if (this.#client === undefined) throw new GoferError('UNAVAILABLE', `The extension '${EXTENSION}' does not run.`);
      return this.#client;
    };
    return {
      whenSettled: async () => undefined,
      isReady: () => this.isReady,
      documentation: (id) => this.store.extensions.find(id)?.documentation,
      subscribe: async (_, subscription) => client().subscribe(subscription),
      unsubscribe: async (_, name) => client().unsubscribe(name),
      deliver: async (_, event) => client().deliver(event),
      debug: async () => client().debug(),
      onHealthy: (listener) => void this.#healthy.push(listener),
      onReady: (listener) => void this.#ready.push(listener),
    };
  }
}

export function at(subscriptionId: string, pipelineId = 'one'): SubscriptionPath {
  return { namespaceId: 'default', pipelineId, extensionId: EXTENSION, subscriptionId };
}

export function nameOf({ pipeline_id, subscription_id }: Subscription): string {
  return `${pipeline_id}/${subscription_id}`;
}
