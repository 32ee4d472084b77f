import { GoferError, type ObjectRange } from '@gofer/contracts';
import type { StoredObject } from '@gofer/contracts/api';
import { isObjectKey, OBJECT_KEY_RULE } from '@gofer/contracts/pipeline';
import type { ObjectRecord } from '../storage/objects-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies, WrittenBody } from '../stores/object-bodies.ts';
import { type Lookup, limitsOf } from './lookup.ts';
import type { ObjectContents, ObjectOwner, ObjectService, Page } from './services.ts';

export interface ObjectServiceParts {
  readonly store: Store;
  readonly lookup: Lookup;
  readonly objects: ObjectBodies;
  /** How many objects a pipeline keeps. */
  readonly pipelineObjectLimit: number;
  readonly now: () => number;
}

export class StoredObjectService implements ObjectService {
  readonly #parts: ObjectServiceParts;

  constructor(parts: ObjectServiceParts) {
    this.#parts = parts;
  }

  async list(owner: ObjectOwner, page: Page): Promise<StoredObject[]> {
    return this.#parts.store.objects.list(this.#ownerUid(owner), ...limitsOf(page)).map(toStoredObject);
  }

  async put(
    owner: ObjectOwner,
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: { readonly force: boolean; readonly size?: number; readonly signal: AbortSignal },
  ): Promise<StoredObject> {
    checkKey(key);
    const { objects } = this.#parts;
    // Before a byte of the body is taken.
    const ownerUid = this.#ownerUid(owner);
    this.#assertFree(owner, ownerUid, key, options.force);
    if (options.size !== undefined) objects.checkSize(options.size);
    const record = await objects.write(body, options.signal, (written) => this.#commit(owner, ownerUid, key, written, options.force));
    objects.collect();
    return toStoredObject(record);
  }

  async get(owner: ObjectOwner, key: string): Promise<ObjectContents> {
    const { store, objects } = this.#parts;
    const object = store.objects.find(this.#ownerUid(owner), key);
    if (object === undefined) throw new GoferError('NOT_FOUND', `${nameOf(owner)} has no object ${JSON.stringify(key)}.`);
    return {
      size: object.size,
      etag: etagOf(object),
      read: (range: ObjectRange | undefined, signal: AbortSignal) => objects.read(object, range, signal),
    };
  }

  async delete(owner: ObjectOwner, key: string): Promise<void> {
    const { store, objects } = this.#parts;
    await store.commitAudited(() => {
      const body = store.objects.delete(this.#ownerUid(owner), key);
      if (body !== undefined) objects.letGo([body]);
    });
    objects.collect();
  }

  /** One transaction: the new row, the row that it replaces, and the oldest one where there are too many. */
  #commit(owner: ObjectOwner, ownerUid: string, key: string, { body, size }: WrittenBody, force: boolean): Promise<ObjectRecord> {
    const { store, objects, now, pipelineObjectLimit } = this.#parts;
    return store.commitAudited(() => {
      // The path may mean nothing by now, or something else: what was allowed on the one that was deleted is not on that.
      if (this.#ownerUid(owner) !== ownerUid)
        throw new GoferError('NOT_FOUND', `${nameOf(owner)} was deleted while the object arrived, and another one has its name.`);
      this.#assertFree(owner, ownerUid, key, force);
      const replaced = store.objects.delete(ownerUid, key);
      store.objects.insert(ownerUid, { key, body, size, created: now() });
      objects.adopt(body);
      const beyond = isOfPipeline(owner) ? store.objects.beyond(ownerUid, pipelineObjectLimit) : [];
      for (const object of beyond) store.objects.delete(ownerUid, object.key);
      objects.letGo([...(replaced === undefined ? [] : [replaced]), ...beyond.map((object) => object.body)]);
      const record = store.objects.find(ownerUid, key);
      if (record === undefined) throw new Error('an object that was inserted is not there');
      return record;
    });
  }

  #assertFree(owner: ObjectOwner, ownerUid: string, key: string, force: boolean): void {
    if (force || this.#parts.store.objects.find(ownerUid, key) === undefined) return;
    throw new GoferError(
      'ALREADY_EXISTS',
      `${nameOf(owner)} has an object ${JSON.stringify(key)} already. Replace it with force=true (--force).`,
    );
  }

  #ownerUid(owner: ObjectOwner): string {
    const { lookup } = this.#parts;
    if ('extensionId' in owner) return lookup.extensionUid(owner.extensionId);
    const { runId, ...path } = owner;
    if (runId === undefined) return lookup.pipeline(path).uid;
    const { run } = lookup.run({ ...path, runId });
    assertNotExpired(run, path.pipelineId);
    return run.uid;
  }
}

function assertNotExpired(run: RunRecord, pipelineId: string): void {
  if (run.objectsExpired)
    throw new GoferError(
      'GONE',
      `The objects of run ${run.runId} of pipeline '${pipelineId}' have expired (object_store.run_object_expiry).`,
    );
}

/** `.` and `..` cannot stand in a path: clients and proxies take them for directions. */
function checkKey(key: string): void {
  const message = `must be ${OBJECT_KEY_RULE}, and neither "." nor ".."`;
  if (isObjectKey(key) && key !== '.' && key !== '..') return;
  const bytes = new TextEncoder().encode(key).length;
  throw new GoferError('INVALID_ARGUMENT', `The object's key ${message}; this one has ${bytes} bytes.`, {
    details: [{ path: 'path.key', message }],
  });
}

function isOfPipeline(owner: ObjectOwner): boolean {
  return !('extensionId' in owner) && owner.runId === undefined;
}

function nameOf(owner: ObjectOwner): string {
  if ('extensionId' in owner) return `Extension '${owner.extensionId}'`;
  const { pipelineId, runId } = owner;
  return runId === undefined ? `Pipeline '${pipelineId}'` : `Run ${runId} of pipeline '${pipelineId}'`;
}

/** A body is written once: its own name tells it from every other. */
function etagOf({ body }: ObjectRecord): string {
  return `"${body.slice(body.lastIndexOf('/') + 1)}"`;
}

function toStoredObject(object: ObjectRecord): StoredObject {
  return { key: object.key, created: object.created, size: object.size, etag: etagOf(object) };
}
