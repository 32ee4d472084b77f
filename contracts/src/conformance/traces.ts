/** Looks for what must be nowhere: a secret's bytes as they are, or in an encoding that anybody can undo. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes in which a secret may not be, and where they are from. */
export interface Evidence {
  readonly where: string;
  readonly bytes: Uint8Array;
}

/** Says where a trace of `secret` (16 bytes or more) is and in which form; undefined where there is none. */
export function findTrace(secret: Uint8Array, evidence: Iterable<Evidence>): string | undefined {
  const forms = formsOf(Buffer.from(secret));
  for (const { where, bytes } of evidence) {
    const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const [form, needle] of forms) if (haystack.includes(needle)) return `${where} (${form})`;
  }
  return undefined;
}

function formsOf(secret: Buffer): readonly (readonly [form: string, needle: Buffer | string])[] {
  const forms: [string, Buffer | string][] = [
    ['as it is', secret],
    ['hexadecimal', secret.toString('hex')],
    ['hexadecimal', secret.toString('hex').toUpperCase()],
    ['a list of numbers', secret.join(',')],
    ['URL-encoded', encodeURIComponent(secret.toString('latin1'))],
    ['inside a JSON string', JSON.stringify(secret.toString()).slice(1, -1)],
    ['UTF-16', Buffer.from(secret.toString('latin1'), 'utf16le')],
  ];
  // Inside a longer text a secret begins at any of three places of a group of base64; its first and last group differ with the neighbours.
  for (const skip of [0, 1, 2]) {
    const whole = secret.subarray(skip, skip + Math.floor((secret.length - skip) / 3) * 3);
    forms.push(['base64', whole.toString('base64')], ['base64url', whole.toString('base64url')]);
  }
  return forms;
}

/** Every file below a directory. One that goes meanwhile is passed over. */
export async function evidenceOfFiles(directory: string): Promise<readonly Evidence[]> {
  const evidence: Evidence[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // Reading a named pipe would wait for whoever writes to it.
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes !== undefined) evidence.push({ where: `the file ${path}`, bytes }, { where: 'the name of a file', bytes: Buffer.from(path) });
  }
  return evidence;
}

/** Every text and every byte inside a value, an error's message, stack, cause and details among them. */
export function evidenceOfValue(where: string, value: unknown): readonly Evidence[] {
  const evidence: Evidence[] = [];
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    if (typeof part === 'string') evidence.push({ where, bytes: Buffer.from(part) });
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    seen.add(part);
    if (ArrayBuffer.isView(part)) evidence.push({ where, bytes: new Uint8Array(part.buffer, part.byteOffset, part.byteLength) });
    else if (part instanceof ArrayBuffer) evidence.push({ where, bytes: new Uint8Array(part) });
    else if (Array.isArray(part) && part.length > 0 && part.every((item) => typeof item === 'number'))
      evidence.push({ where, bytes: Uint8Array.from(part) });
    else {
      // Not only what is enumerable: an error's own texts are not.
      for (const name of Reflect.ownKeys(part)) {
        visit(name);
        visit(Reflect.get(part, name));
      }
    }
  };
  visit(value);
  return evidence;
}
