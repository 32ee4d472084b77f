/** External events: what was sent to the server from outside, kept for the extensions that they are for. */
import { GoferError } from '@gofer/contracts';
import type { Delivery } from '@gofer/contracts/api';
import { uuidv7 } from 'uuidv7';
import type { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import type { DeliveryRecord } from '../storage/deliveries-table.ts';
import type { Store } from '../storage/store.ts';
import type { DiskReserve } from './disk-reserve.ts';
import type { DeliveryQuery, DeliveryService } from './services.ts';

export interface DeliveryServiceParts {
  readonly store: Store;
  readonly dispatcher: Pick<DeliveryDispatcher, 'arrived'>;
  readonly disk: Pick<DiskReserve, 'shortages'>;
  /** How many may wait for one extension. */
  readonly maxPending: number;
  /** Bytes that are kept for one extension; the events that it was handed make room. */
  readonly maxStoredBytes: number;
  readonly now: () => number;
}

/** A page where none is asked for: there may be millions. */
const USUAL_PAGE = 100;

export class StoredDeliveryService implements DeliveryService {
  readonly #parts: DeliveryServiceParts;

  constructor(parts: DeliveryServiceParts) {
    this.#parts = parts;
  }

  async assertAccepts(extensionId: string): Promise<void> {
    this.#openReceiver(extensionId);
  }

  async accept(
    extensionId: string,
    { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  ): Promise<string> {
    const { dispatcher, maxStoredBytes, now, store } = this.#parts;
    const id = uuidv7();
    await store.commit(() => {
      const uid = this.#openReceiver(extensionId);
      store.deliveries.insert(uid, { id, received: now(), headers, body });
      // Anybody may send what its extension refuses at once: that is kept for as long as others do not need the room.
      if (!store.deliveries.shrinkTo(uid, maxStoredBytes)) {
        throw new GoferError(
          'RESOURCE_EXHAUSTED',
          `The events that wait for the extension '${extensionId.slice(0, 64)}' leave no room for this one (external_events.max_stored_size).`,
        );
      }
    });
    dispatcher.arrived(extensionId);
    return id;
  }

  async list(extensionId: string, { limit = USUAL_PAGE, offset = 0, state }: DeliveryQuery): Promise<Delivery[]> {
    const records = this.#parts.store.deliveries.list(this.#uidOf(extensionId), { state, limit, offset });
    return records.map((record) => this.#toDelivery(extensionId, record));
  }

  async get(extensionId: string, deliveryId: string): Promise<Delivery> {
    const record = this.#parts.store.deliveries.find(this.#uidOf(extensionId), deliveryId);
    if (record === undefined) throw unknownDelivery(extensionId, deliveryId);
    return { ...this.#toDelivery(extensionId, record), headers: { ...record.headers } };
  }

  async body(extensionId: string, deliveryId: string): Promise<Uint8Array> {
    const body = this.#parts.store.deliveries.body(this.#uidOf(extensionId), deliveryId);
    if (body === undefined) throw unknownDelivery(extensionId, deliveryId);
    return body;
  }

  async redeliver(extensionId: string, deliveryId: string): Promise<Delivery> {
    const { dispatcher, store } = this.#parts;
    const record = await store.commitAudited(() => {
      const uid = this.#uidOf(extensionId);
      store.deliveries.makePending(uid, deliveryId);
      const found = store.deliveries.find(uid, deliveryId);
      if (found === undefined) throw unknownDelivery(extensionId, deliveryId);
      return found;
    });
    dispatcher.arrived(extensionId);
    return this.#toDelivery(extensionId, record);
  }

  #toDelivery(extensionId: string, record: DeliveryRecord): Delivery {
    const runs = this.#parts.store.deliveries.runs(record.id);
    const named = runs.map(({ namespaceId, pipelineId, runId }) => ({ namespace_id: namespaceId, pipeline_id: pipelineId, run_id: runId }));
    return { ...toDelivery(extensionId, record), ...(named.length === 0 ? {} : { runs: named }) };
  }

  #uidOf(extensionId: string): string {
    const uid = this.#parts.store.deliveries.receiver(extensionId)?.uid;
    if (uid === undefined) throw unknownExtension(extensionId);
    return uid;
  }

  /** The uid of an extension that may be sent something now. */
  #openReceiver(extensionId: string): string {
    const { disk, maxPending, store } = this.#parts;
    const receiver = store.deliveries.receiver(extensionId);
    if (receiver === undefined) throw unknownExtension(extensionId);
    if (!receiver.isEnabled) throw new GoferError('UNAVAILABLE', `The extension '${extensionId.slice(0, 64)}' is disabled.`);
    if (store.deliveries.hasPending(receiver.uid, maxPending)) {
      throw new GoferError(
        'RESOURCE_EXHAUSTED',
        `${maxPending} events wait for the extension '${extensionId.slice(0, 64)}' already (external_events.max_pending).`,
      );
    }
    const short = disk.shortages();
    if (short.length > 0)
      throw new GoferError('STORAGE_FULL', 'No event is taken: the disk of the server is nearly full (server.minimum_free_disk).');
    return receiver.uid;
  }
}

function toDelivery(extensionId: string, record: DeliveryRecord): Delivery {
  const { attempts, finished, id, message, nextAttempt, received, size, state, statusCode } = record;
  return {
    delivery_id: id,
    extension_id: extensionId,
    received,
    size,
    state,
    attempts,
    finished,
    ...(state === 'pending' && nextAttempt > 0 ? { next_attempt: nextAttempt } : {}),
    ...(statusCode === undefined ? {} : { status_code: statusCode }),
    ...(message === undefined ? {} : { message }),
  };
}

function unknownExtension(extensionId: string): GoferError {
  return new GoferError('NOT_FOUND', `There is no extension '${extensionId.slice(0, 64)}'.`);
}

function unknownDelivery(extensionId: string, deliveryId: string): GoferError {
  return new GoferError(
    'NOT_FOUND',
    `The extension '${extensionId.slice(0, 64)}' has no delivery '${deliveryId.slice(0, 64)}'; they are kept for a while only (external_events.delivery_retention).`,
  );
}
