/** What a reference stands for, looked up where its task is: the one place that decides who may use which secret or object. */
import { GoferError } from '@gofer/contracts';
import { admitsNamespace, formatReference, type Reference } from '../domain/index.ts';
import { GLOBAL } from '../storage/secrets-table.ts';
import type { Store } from '../storage/store.ts';
import type { ObjectBodies } from './object-bodies.ts';
import type { SecretValues } from './secret-values.ts';

/** Whose reference it is. */
export interface ReferencePlace {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly pipelineUid: string;
  /** Absent outside of a run. */
  readonly runUid?: string;
  readonly runId?: number;
}

export interface ReferencesParts {
  readonly store: Store;
  readonly objects: ObjectBodies;
  readonly secrets: SecretValues;
}

/** Bytes of one variable's value: Linux takes 128 KiB for name and value together (MAX_ARG_STRLEN). */
const LARGEST_VALUE = 131_071;

export class References {
  readonly #parts: ReferencesParts;

  constructor(parts: ReferencesParts) {
    this.#parts = parts;
  }

  /**
   * The text that a reference stands for. Rejects with `FAILED_PRECONDITION`, saying what is missing or may not be used and how to mend
   * that, with `DATA_LOSS`, and with `UNAVAILABLE` where the store cannot be reached; no message holds anything of a value.
   */
  async resolve(reference: Reference, place: ReferencePlace, signal: AbortSignal): Promise<string> {
    const bytes = await this.#bytesOf(reference, place, signal);
    return toText(bytes, reference);
  }

  /**
   * The same of a global secret for what administrators themselves have configured, which is in no namespace: whatever namespaces the
   * secret admits.
   */
  async resolveGlobal(reference: Reference): Promise<string> {
    const { store, secrets } = this.#parts;
    const secret = reference.kind === 'global_secret' ? store.secrets.find(GLOBAL, reference.name) : undefined;
    if (secret === undefined) throw noGlobalSecret(reference.name);
    return toText(await secrets.read(secret.value), reference);
  }

  #bytesOf(reference: Reference, place: ReferencePlace, signal: AbortSignal): Promise<Uint8Array> {
    const { name } = reference;
    switch (reference.kind) {
      case 'pipeline_secret':
        return this.#pipelineSecret(name, place);
      case 'global_secret':
        return this.#globalSecret(name, place);
      case 'pipeline_object':
        return this.#object(
          place.pipelineUid,
          reference,
          `gofer pipeline object put ${place.pipelineId} ${toWord(name)} FILE${inNamespace(place)}`,
          signal,
        );
      case 'run_object':
        return this.#runObject(reference, place, signal);
    }
  }

  async #pipelineSecret(name: string, place: ReferencePlace): Promise<Uint8Array> {
    const { store, secrets } = this.#parts;
    const secret = store.secrets.find(place.pipelineUid, name);
    if (secret === undefined)
      throw missing(
        `pipeline '${place.pipelineId}' has no such secret; store it with: gofer secret pipeline put ${place.pipelineId} ${toWord(name)}${inNamespace(place)}`,
      );
    return secrets.read(secret.value);
  }

  async #globalSecret(name: string, place: ReferencePlace): Promise<Uint8Array> {
    const { store, secrets } = this.#parts;
    const secret = store.secrets.find(GLOBAL, name);
    if (secret === undefined) throw noGlobalSecret(name);
    if (!admitsNamespace(secret.namespaces, place.namespaceId))
      throw missing(
        `this global secret does not admit the namespace '${place.namespaceId}'; an administrator decides that when it is stored`,
      );
    return secrets.read(secret.value);
  }

  async #runObject(reference: Reference, place: ReferencePlace, signal: AbortSignal): Promise<Uint8Array> {
    const { runUid, runId, pipelineId } = place;
    if (runUid === undefined) throw missing('it belongs to no run, so there is no run whose object it could be');
    const cure = `gofer run object put ${pipelineId} ${runId} ${toWord(reference.name)} FILE${inNamespace(place)}`;
    return this.#object(runUid, reference, cure, signal);
  }

  async #object(ownerUid: string, reference: Reference, cure: string, signal: AbortSignal): Promise<Uint8Array> {
    const { store, objects } = this.#parts;
    const object = store.objects.find(ownerUid, reference.name);
    if (object === undefined) throw missing(`there is no such object; put it there first, as with: ${cure}`);
    if (object.size > LARGEST_VALUE)
      throw missing(`the object has ${object.size} bytes, and a variable can carry ${LARGEST_VALUE}; let the task download it`);
    const pieces: Uint8Array[] = [];
    for await (const piece of objects.read(object, undefined, signal)) pieces.push(Uint8Array.from(piece));
    return Buffer.concat(pieces);
  }
}

function noGlobalSecret(name: string): GoferError {
  return missing(`there is no such global secret; an administrator stores it with: gofer secret global put ${toWord(name)}`);
}

/** One word of a shell's command line. */
function toWord(name: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}

function inNamespace({ namespaceId }: ReferencePlace): string {
  return namespaceId === 'default' ? '' : ` --namespace ${namespaceId}`;
}

function toText(bytes: Uint8Array, reference: Reference): string {
  if (bytes.byteLength > LARGEST_VALUE) throw missing(`the value has ${bytes.byteLength} bytes, and a variable can carry ${LARGEST_VALUE}`);
  const text = decode(bytes);
  if (text === undefined || text.includes('\0'))
    throw missing(
      `${formatReference(reference)} is not text (UTF-8 without NUL), which is all that a variable can carry; encode it, as with base64`,
    );
  return text;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Only this one thing is wrong with bytes that cannot be decoded, and the caller says it with the reference's name.
    return undefined;
  }
}

function missing(text: string): GoferError {
  return new GoferError('FAILED_PRECONDITION', text);
}
