/** Extensions, as those who administer the server see them: what is installed, with what it was given, and how it is. */
import { GoferError } from '@gofer/contracts';
import type { Extension } from '@gofer/contracts/api';
import { uuidv7 } from 'uuidv7';
import type { AccessControl } from '../access/access-control.ts';
import { extensionRoleId } from '../domain/index.ts';
import { BUILT_IN_PREFIX } from '../extensions/built-in-extensions.ts';
import type { ExtensionManager } from '../extensions/extension-manager.ts';
import { endSubscriptionsOfExtension } from '../extensions/subscription-ends.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies } from '../stores/object-bodies.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { BoundedLogs } from '../workers/logs/bounded-logs.ts';
import type { LogBatch } from '../workers/logs/log-store.ts';
import { type ExtensionLogRequest, readExtensionLogs } from './extension-logs.ts';
import { type Registration, Registrations } from './extension-registration.ts';
import { toExtension } from './extension-wire.ts';
import type { ExtensionChange, ExtensionService, LogEnd, NewExtension } from './services.ts';

export interface ExtensionServiceParts {
  readonly store: Store;
  readonly secrets: SecretValues;
  readonly objects: ObjectBodies;
  readonly logs: BoundedLogs;
  readonly manager: ExtensionManager;
  readonly access: Pick<AccessControl, 'rolesChanged'>;
  /** The names of the extensions that come with the server. */
  readonly builtIns: readonly string[];
  readonly now: () => number;
}

/** Those that every server has, under the id of their name. */
const STANDARD = ['cron', 'interval'];
const DELIVERIES_AT_A_TIME = 20;
const OBJECTS_AT_A_TIME = 100;

export class StoredExtensionService implements ExtensionService {
  readonly #parts: ExtensionServiceParts;
  readonly #registrations: Registrations;
  /** Changes are made one after the other: each begins with what the one before has left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ExtensionServiceParts) {
    this.#parts = parts;
    this.#registrations = new Registrations(parts);
  }

  async list(mayRead?: (extensionId: string) => boolean): Promise<Extension[]> {
    const { store, manager } = this.#parts;
    const visible = store.extensions.list().filter(({ id }) => mayRead === undefined || mayRead(id));
    return visible.map((record) => toExtension(record, manager.view(record.id)));
  }

  async get(id: string): Promise<Extension> {
    return toExtension(this.#existing(id), this.#parts.manager.view(id));
  }

  async install({ id, ...registration }: NewExtension, waitSeconds: number, signal: AbortSignal): Promise<Extension> {
    this.#registrations.check(id, registration);
    await this.#inTurn(() => this.#insert(id, registration));
    await this.#parts.manager.whenReady(id, waitSeconds * 1000, signal);
    return this.get(id);
  }

  async update(id: string, change: ExtensionChange): Promise<void> {
    await this.#inTurn(async () => {
      const record = this.#existing(id);
      const { image, settings, registryAuth, additionalRoles } = change;
      const isUpgrade = [image, settings, registryAuth, additionalRoles].some((part) => part !== undefined);
      const isEnabled = change.enable ?? record.enabled;
      if (isUpgrade || (isEnabled && !record.enabled)) await this.#replace(record, change, isEnabled, isUpgrade);
      else await this.#setEnabled(record, isEnabled);
    });
  }

  async uninstall(id: string): Promise<void> {
    const { manager, store } = this.#parts;
    const record = await this.#inTurn(() => this.#delete(id));
    await manager.remove(record);
    // In small commits, as their bodies may be large; what a crash leaves of them expires with the rest.
    while ((await store.commit(() => store.deliveries.deleteOf(record.uid, DELIVERIES_AT_A_TIME))) === DELIVERIES_AT_A_TIME);
  }

  async debug(id: string): Promise<string> {
    this.#existing(id);
    return this.#parts.manager.debug(id);
  }

  async logs(id: string, request: ExtensionLogRequest): Promise<AsyncIterable<LogBatch | LogEnd>> {
    return readExtensionLogs(this.#existing(id), request, this.#parts);
  }

  /** Installs, once for each database, those that every server has. To be called before the manager starts. */
  async installStandard(): Promise<void> {
    const { store, builtIns } = this.#parts;
    if (store.system.standardExtensionsInstalled() || !STANDARD.every((name) => builtIns.includes(name))) return;
    for (const id of STANDARD) {
      if (store.extensions.find(id) !== undefined) continue;
      await this.#insert(id, { image: BUILT_IN_PREFIX + id, settings: {}, additionalRoles: [] });
    }
    await store.commit(() => store.system.markStandardExtensionsInstalled());
  }

  async #insert(id: string, registration: Registration): Promise<void> {
    const { store, now, access, manager } = this.#parts;
    if (store.extensions.find(id) !== undefined) throw alreadyThere(id);
    await this.#registrations.keep(registration, (columns, adopt) =>
      store.commitAudited(() => {
        const created = now();
        adopt(id);
        store.extensions.insert({ ...columns, id, uid: uuidv7(), created, enabled: true, modified: created });
        store.events.emit('created_role', { role_id: extensionRoleId(id) }, created);
        store.events.emit('installed_extension', { id, image: columns.image }, created);
      }),
    );
    access.rolesChanged();
    manager.apply(this.#existing(id));
  }

  /** Whatever it is given anew it is given with another secret, and ends for it: the former one opens nothing any more. */
  async #replace(record: ExtensionRecord, change: ExtensionChange, enabled: boolean, isUpgrade: boolean): Promise<void> {
    const { store, secrets, now, manager } = this.#parts;
    const registration = changed(await this.#registrations.unseal(record), change);
    if (isUpgrade) this.#registrations.check(record.id, registration);
    await this.#registrations.keep(registration, (columns, adopt) =>
      store.commitAudited(() => {
        this.#registrations.letGo(record);
        adopt(record.id);
        store.extensions.update(record.uid, { ...columns, enabled, modified: now() });
        this.#emitEnabled(record, columns.image, enabled);
      }),
    );
    secrets.collect();
    manager.apply(this.#existing(record.id));
  }

  async #setEnabled(record: ExtensionRecord, enabled: boolean): Promise<void> {
    const { store, now, manager } = this.#parts;
    const isChange = enabled !== record.enabled;
    await store.commitAudited(() => {
      if (!isChange) return;
      store.extensions.update(record.uid, { ...record, enabled, modified: now() });
      this.#emitEnabled(record, record.image, enabled);
    });
    if (isChange) manager.apply(this.#existing(record.id));
  }

  #emitEnabled(record: ExtensionRecord, image: string, enabled: boolean): void {
    if (enabled === record.enabled) return;
    const { store, now } = this.#parts;
    store.events.emit(enabled ? 'enabled_extension' : 'disabled_extension', { id: record.id, image }, now());
  }

  /** Holds at once: nothing that it still does counts for anything. */
  async #delete(id: string): Promise<ExtensionRecord> {
    const { store, secrets, objects, access, now } = this.#parts;
    const record = this.#existing(id);
    await store.commitAudited(() => {
      endSubscriptionsOfExtension(store, id, now());
      for (let taken = OBJECTS_AT_A_TIME; taken === OBJECTS_AT_A_TIME; ) {
        const { deleted, loose } = store.objects.take(record.uid, OBJECTS_AT_A_TIME);
        objects.letGo(loose);
        taken = deleted;
      }
      this.#registrations.letGo(record);
      store.extensions.delete(record.uid);
      store.events.emit('deleted_role', { role_id: extensionRoleId(id) }, now());
      store.events.emit('uninstalled_extension', { id, image: record.image }, now());
    });
    access.rolesChanged();
    objects.collect();
    secrets.collect();
    return record;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    // Whoever has asked for it hears of its failure.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #existing(id: string): ExtensionRecord {
    const record = this.#parts.store.extensions.find(id);
    if (record === undefined)
      throw new GoferError(
        'NOT_FOUND',
        `There is no extension '${id.slice(0, 64)}'. See those that are installed with: gofer extension list`,
      );
    return record;
  }
}

/** What is absent of the change stays; null removes. */
function changed(registration: Registration, { image, settings, registryAuth, additionalRoles }: ExtensionChange): Registration {
  const { registryAuth: formerAuth, ...former } = registration;
  const auth = registryAuth === undefined ? formerAuth : (registryAuth ?? undefined);
  const merged = Object.entries({ ...former.settings, ...settings }).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    image: image ?? former.image,
    settings: Object.fromEntries(merged),
    additionalRoles: additionalRoles ?? former.additionalRoles,
    ...(auth === undefined ? {} : { registryAuth: auth }),
  };
}

function alreadyThere(id: string): GoferError {
  return new GoferError(
    'ALREADY_EXISTS',
    `There is an extension '${id}' already: change it with: gofer extension upgrade ${id}; or uninstall it first.`,
  );
}
