/** The disk of the secrets is full: said so, nothing half kept, and what was kept can be read. Needs root, for a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeNeeding } from '../../../test/backends/describe-needing.ts';
import { FIRST_KEY, NEXT_KEY } from './store-harness.ts';
import { TestStore } from './test-store.ts';

const missing = process.getuid?.() === 0 ? undefined : 'mounting a tmpfs needs root';

/** Takes what room there is. */
function fillUp(path: string): void {
  for (let size = 1_048_576; size > 0; size = Math.floor(size / 2)) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
}

describeNeeding('a small tmpfs', 'a full disk for the secrets', missing, () => {
  it('rejects with STORAGE_FULL, keeps nothing of what was refused, and goes on once there is room', async () => {
    await using test = new TestStore();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'gofer-secrets', test.directory]);
    try {
      const values = new Map(await test.fill(20, 10_000));
      const store = await test.open();
      const assertAll = async (): Promise<void> => {
        const listed: string[] = [];
        for await (const key of store.list('', new AbortController().signal)) listed.push(key);
        expect(listed).toEqual([...values.keys()].toSorted());
        for (const [key, value] of values) expect(Buffer.from(await store.get(key)).equals(value)).toBe(true);
      };
      const other = join(test.directory, 'others');
      fillUp(other);
      const value = Buffer.alloc(1_048_576, 'large');
      const full = { code: 'STORAGE_FULL', message: expect.stringContaining(test.path) };
      for (const key of ['refused/1', 'refused/2']) {
        await expect(store.put(key, value)).rejects.toMatchObject(full);
        await assertAll();
      }
      rmSync(other);
      await store.put('refused/1', value);
      values.set('refused/1', value);
      await assertAll();

      await store.close();
      fillUp(other);
      await expect(test.open()).rejects.toMatchObject(full);
      rmSync(other);
      const again = await test.open(NEXT_KEY, [FIRST_KEY]);
      for (const [key, value] of values) expect(Buffer.from(await again.get(key)).equals(value)).toBe(true);
      await again.close();
    } finally {
      execFileSync('umount', ['-l', test.directory]);
    }
  });

  it('gives back the room of its journal where that is what is missing', async () => {
    await using test = new TestStore();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'gofer-secrets', test.directory]);
    try {
      const store = await test.open();
      const value = Buffer.alloc(1_000_000, 'large');
      // Written to the file already, the journal keeps its size.
      for (let round = 0; round < 6; round++) {
        await store.put('a', value);
        await store.delete('a');
      }
      fillUp(join(test.directory, 'others'));
      await store.put('a', value);
      expect(Buffer.from(await store.get('a')).equals(value)).toBe(true);
      await store.close();
    } finally {
      execFileSync('umount', ['-l', test.directory]);
    }
  });
});
