import { type Fault, GoferError } from '@gofer/contracts';
import type { Secret } from '@gofer/contracts/api';
import { isTaskId, TASK_ID_RULE } from '@gofer/contracts/pipeline';
import { PatternChecks } from '../domain/index.ts';
import { GLOBAL, type SecretRecord } from '../storage/secrets-table.ts';
import type { Store } from '../storage/store.ts';
import { LARGEST_SECRET, type SecretValues } from '../stores/secret-values.ts';
import { type Lookup, limitsOf } from './lookup.ts';
import type { NewSecret, Page, PipelinePath, SecretService, SecretWithValue } from './services.ts';

export interface SecretServiceParts {
  readonly store: Store;
  readonly lookup: Lookup;
  readonly secrets: SecretValues;
  readonly now: () => number;
  /** Hears of every secret that was stored, after the commit. `owner`: a pipeline's uid, or `GLOBAL`. */
  readonly stored?: (owner: string, key: string) => void;
}

export class StoredSecretService implements SecretService {
  readonly #parts: SecretServiceParts;

  constructor(parts: SecretServiceParts) {
    this.#parts = parts;
  }

  async listOfPipeline(path: PipelinePath, page: Page): Promise<Secret[]> {
    const { store, lookup } = this.#parts;
    const { uid } = lookup.pipeline(path);
    return store.secrets.list(uid, ...limitsOf(page)).map((record) => toSecret(record, path));
  }

  async putOfPipeline(path: PipelinePath, secret: NewSecret): Promise<Secret> {
    const record = await this.#put(() => this.#parts.lookup.pipeline(path).uid, secret, []);
    return toSecret(record, path);
  }

  async getOfPipeline(path: PipelinePath, key: string, withValue: boolean): Promise<SecretWithValue> {
    const { store, lookup } = this.#parts;
    const record = store.secrets.find(lookup.pipeline(path).uid, key);
    if (record === undefined) throw new GoferError('NOT_FOUND', `Pipeline '${path.pipelineId}' has no secret '${key}'.`);
    return { metadata: toSecret(record, path), secret: withValue ? await this.#valueOf(record) : null };
  }

  async deleteOfPipeline(path: PipelinePath, key: string): Promise<void> {
    await this.#delete(() => this.#parts.lookup.pipeline(path).uid, key);
  }

  async listGlobal(page: Page): Promise<Secret[]> {
    return this.#parts.store.secrets.list(GLOBAL, ...limitsOf(page)).map((record) => toSecret(record));
  }

  async putGlobal(secret: NewSecret, namespaces: readonly string[]): Promise<Secret> {
    const checks = new PatternChecks();
    const faults = namespaces.flatMap((pattern, index): Fault[] => {
      const message = checks.faultOf(pattern);
      return message === undefined ? [] : [{ path: `$.namespaces[${index}]`, message }];
    });
    if (namespaces.length === 0) faults.push({ path: '$.namespaces', message: 'must name one pattern or more; .* admits every namespace' });
    const [first] = faults;
    if (first !== undefined)
      throw new GoferError('INVALID_ARGUMENT', `The secret cannot be stored. ${first.path} ${first.message}.`, { details: faults });
    return toSecret(await this.#put(() => GLOBAL, secret, namespaces));
  }

  async getGlobal(key: string, withValue: boolean): Promise<SecretWithValue> {
    const record = this.#parts.store.secrets.find(GLOBAL, key);
    if (record === undefined) throw new GoferError('NOT_FOUND', `There is no global secret '${key}'.`);
    return { metadata: toSecret(record), secret: withValue ? await this.#valueOf(record) : null };
  }

  async deleteGlobal(key: string): Promise<void> {
    await this.#delete(() => GLOBAL, key);
  }

  async rotate(signal: AbortSignal): Promise<number> {
    let encrypted = 0;
    for await (const { done } of this.#parts.secrets.rotate(signal)) encrypted = done;
    return encrypted;
  }

  /** `ownerOf` is asked before the value is stored, and again in the commit: the path may mean something else by then, or nothing. */
  async #put(ownerOf: () => string, secret: NewSecret, namespaces: readonly string[]): Promise<SecretRecord> {
    checkKey(secret.key);
    const bytes = checkContent(secret.content);
    const { store, secrets, now } = this.#parts;
    this.#assertFree(ownerOf(), secret);
    let owner = '';
    const record = await secrets.write(bytes, (value) =>
      store.commitAudited(() => {
        owner = ownerOf();
        this.#assertFree(owner, secret);
        const replaced = store.secrets.delete(owner, secret.key);
        const stored: SecretRecord = { key: secret.key, value, namespaces, created: now() };
        store.secrets.put(owner, stored);
        secrets.adopt(value);
        if (replaced !== undefined) secrets.letGo([replaced]);
        return stored;
      }),
    );
    secrets.collect();
    this.#parts.stored?.(owner, secret.key);
    return record;
  }

  #assertFree(owner: string, { key, force }: NewSecret): void {
    if (force || this.#parts.store.secrets.find(owner, key) === undefined) return;
    throw new GoferError('ALREADY_EXISTS', `There is a secret '${key}' already. Replace its value with force=true (--force).`);
  }

  async #delete(ownerOf: () => string, key: string): Promise<void> {
    const { store, secrets } = this.#parts;
    await store.commitAudited(() => {
      const value = store.secrets.delete(ownerOf(), key);
      if (value !== undefined) secrets.letGo([value]);
    });
    secrets.collect();
  }

  async #valueOf(record: SecretRecord): Promise<string> {
    return Buffer.from(await this.#parts.secrets.read(record.value)).toString('utf8');
  }
}

function checkKey(key: string): void {
  if (isTaskId(key)) return;
  const message = `must be ${TASK_ID_RULE}`;
  throw new GoferError('INVALID_ARGUMENT', `The secret's key ${message}.`, { details: [{ path: '$.key', message }] });
}

function checkContent(content: string): Uint8Array {
  // A lone surrogate would be stored as something else.
  const bytes = Buffer.from(content.isWellFormed() ? content : '');
  const message = content.isWellFormed()
    ? `must have 1 to ${LARGEST_SECRET} bytes of UTF-8; this has ${bytes.length}`
    : 'must be UTF-8; this has half of a surrogate pair';
  if (bytes.length >= 1 && bytes.length <= LARGEST_SECRET) return bytes;
  throw new GoferError('INVALID_ARGUMENT', `The secret's value ${message}.`, { details: [{ path: '$.content', message }] });
}

function toSecret({ key, namespaces, created }: SecretRecord, path?: PipelinePath): Secret {
  return { key, namespaces: path === undefined ? [...namespaces] : [path.namespaceId], created };
}
