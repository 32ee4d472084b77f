import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATABASE, MANIFEST, readVerified, writeBackupFile } from './backup-format.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-backup-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('bytes');
}
const writeManifestText = (text: string): void => writeFileSync(join(directory, MANIFEST), text);

describe('the manifest of a backup', () => {
  it('that is cut off is damage, not a bug', async () => {
    writeManifestText('{"format":1,"files":[{"path":"gof');
    await expect(readVerified(directory)).rejects.toMatchObject({ code: 'DATA_LOSS' });
    writeManifestText('{"format":1}');
    await expect(readVerified(directory)).rejects.toMatchObject({ code: 'DATA_LOSS' });
  });

  it('vouches for the database, and for nothing outside of the backup', async () => {
    const database = await writeBackupFile(directory, DATABASE, bytes());
    const object = await writeBackupFile(directory, 'objects/a', bytes());
    const manifest = (files: readonly object[]): string => JSON.stringify({ format: 1, files });
    writeManifestText(manifest([object]));
    await expect(readVerified(directory)).rejects.toMatchObject({ code: 'DATA_LOSS' });
    writeManifestText(manifest([database, { ...object, path: 'logs/../../etc/passwd' }]));
    await expect(readVerified(directory)).rejects.toMatchObject({ code: 'DATA_LOSS' });
    writeManifestText(manifest([database, object]));
    expect((await readVerified(directory)).files).toHaveLength(2);
  });
});
