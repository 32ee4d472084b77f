/** A database, and extensions that are real HTTP servers: what they are handed is remembered, and they answer as they are told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import type { DeliveryRecord } from '../storage/deliveries-table.ts';
import { Store } from '../storage/store.ts';
import type { DeliveryAnswer, ExtensionCalls } from './extension-calls.ts';
import { ExtensionClient } from './extension-client.ts';

export interface HandedEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** As the server says it. */
  readonly again: string;
}
/** A status, one with words, or no answer at all. */
export type Reaction = number | { readonly status: number; readonly message: string } | 'silence';

/** One extension: a server that takes what the kernel's client sends. */
export class ListeningExtension {
  readonly handed: HandedEvent[] = [];
  /** How many it has at this moment, and the most that it ever had. */
  busy = 0;
  busiest = 0;
  /** Of the next ones; `react` may wait for something. */
  react: (event: HandedEvent) => Reaction | Promise<Reaction> = () => 204;
  readonly #server: Server;
  client: ExtensionClient | undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async open(id: string, deliveryTimeoutMs: number): Promise<ListeningExtension> {
    const extension = new ListeningExtension();
    await new Promise<void>((resolve) => extension.#server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(extension.#server.address() as AddressInfo).port}`;
    const options = { extensionId: id, url, key: 'key', verifyCerts: false, clock: SYSTEM_CLOCK, callTimeoutMs: deliveryTimeoutMs };
    extension.client = new ExtensionClient({ ...options, deliveryTimeoutMs });
    return extension;
  }

  get bodies(): string[] {
    return this.handed.map(({ body }) => body.toString());
  }

  async close(): Promise<void> {
    await this.client?.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const sent = JSON.parse(Buffer.concat(chunks).toString()) as { headers: Record<string, string>; body: number[] };
    const event = { headers: sent.headers, body: Buffer.from(sent.body), again: String(request.headers['gofer-delivery-again']) };
    this.handed.push(event);
    this.busy += 1;
    this.busiest = Math.max(this.busiest, this.busy);
    const reaction = await this.react(event);
    this.busy -= 1;
    if (reaction === 'silence') return;
    const { status, message } = typeof reaction === 'number' ? { status: reaction, message: '' } : reaction;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(message === '' ? undefined : JSON.stringify({ message }));
  }
}

export class DeliveryStage implements Pick<ExtensionCalls, 'isReady' | 'deliver' | 'onReady'> {
  readonly directory: string;
  store: Store;
  readonly logged: string[] = [];
  readonly #extensions = new Map<string, ListeningExtension>();
  readonly #ready = new Set<string>();
  #listeners: ((extensionId: string) => void)[] = [];
  readonly log = (level: string, message: string): void => void this.logged.push(`${level} ${message}`);

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'gofer-deliveries-'));
    this.store = Store.open(this.path);
  }

  get path(): string {
    return join(this.directory, 'gofer.db');
  }

  /** Installs one, enabled and ready. */
  async install(id: string, deliveryTimeoutMs = 10_000): Promise<ListeningExtension> {
    await this.write(id, true);
    const extension = await ListeningExtension.open(id, deliveryTimeoutMs);
    this.#extensions.set(id, extension);
    this.#ready.add(id);
    return extension;
  }

  /** Only the row. */
  async write(id: string, enabled: boolean): Promise<void> {
    await this.store.commit(() =>
      this.store.extensions.insert({
        id,
        uid: `uid-${id}`,
        image: 'builtin:test',
        registry: undefined,
        settings: [],
        sealed: undefined,
        key: `key-${id}`,
        tokenId: `token-${id}`,
        additionalRoles: [],
        enabled,
        created: 1,
        modified: 1,
      }),
    );
  }

  setReady(id: string, isReady: boolean): void {
    if (!isReady) this.#ready.delete(id);
    else {
      this.#ready.add(id);
      for (const listener of this.#listeners) listener(id);
    }
  }

  isReady(extensionId: string): boolean {
    return this.#ready.has(extensionId);
  }

  async deliver(extensionId: string, event: Parameters<ExtensionCalls['deliver']>[1]): Promise<DeliveryAnswer> {
    const client = this.#extensions.get(extensionId)?.client;
    if (client === undefined) throw new Error(`${extensionId} was not installed`);
    return await client.deliver(event);
  }

  onReady(listener: (extensionId: string) => void): void {
    this.#listeners.push(listener);
  }

  /** What is there of one extension's, oldest first. */
  rows(id: string): DeliveryRecord[] {
    return this.store.deliveries.list(`uid-${id}`, { state: undefined, limit: -1, offset: 0 }).reverse();
  }

  /** As the next server finds the database. */
  reopen(): void {
    this.store.close();
    this.store = Store.open(this.path);
    this.#listeners = [];
  }

  async close(): Promise<void> {
    for (const extension of this.#extensions.values()) await extension.close();
    this.store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
