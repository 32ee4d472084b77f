import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GoferError } from '@gofer/contracts';
import { extensionSdk } from '../assets.ts';
import { version } from '../version.ts';
import { templateFiles } from './template-files.ts';

/** Writes a new extension into a folder that is not there yet, or is empty. Rejects with `ALREADY_EXISTS` for any other. */
export async function writeExtension(directory: string, name: string): Promise<void> {
  await refuseUsed(directory);
  const sdk = join(directory, 'vendor/gofer-sdk');
  try {
    const manifest = { name: 'gofer-sdk-extension', version, license: 'Apache-2.0', type: 'module', private: true };
    const files = new Map([...templateFiles(name), ['vendor/gofer-sdk/package.json', `${JSON.stringify(manifest, null, 2)}\n`]]);
    for (const [path, contents] of files) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), contents, { flag: 'wx' });
    }
    await cp(fileURLToPath(extensionSdk()), sdk, { recursive: true, filter: (path) => !/\.(?:test|fixture)\.ts$/u.test(path) });
  } catch (error) {
    throw unwritable(directory, error);
  }
}

async function refuseUsed(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    if (codeOf(error) !== 'ENOTDIR') throw unwritable(directory, error);
  }
  throw new GoferError('ALREADY_EXISTS', `${directory} is there already and was left as it is: choose another name, or empty it first`);
}

function unwritable(directory: string, cause: unknown): GoferError {
  return new GoferError('INVALID_ARGUMENT', `${directory} cannot be written (${codeOf(cause)}): go to a folder that you may write to`, {
    cause,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
