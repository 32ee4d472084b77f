import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AttemptJournal } from './attempt-journal.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-journal-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('remembers over a restart what was started, and not what was taken back', async () => {
  const journal = await AttemptJournal.open(directory);
  await Promise.all([journal.add('a'), journal.add('b'), journal.add('a')]);
  await journal.delete('b');
  await journal.delete('never');
  await journal.close();
  const again = await AttemptJournal.open(directory);
  expect([again.has('a'), again.has('b'), again.has('c')]).toEqual([true, false, false]);
});

it('forgets the oldest, in its file too', async () => {
  const journal = await AttemptJournal.open(directory, 10);
  for (let index = 0; index < 95; index++) await journal.add(`attempt-${index}`);
  await journal.close();
  const lines = (await readFile(join(directory, 'started-attempts'), 'utf8')).trim().split('\n');
  expect(lines.length).toBeLessThanOrEqual(20);
  const again = await AttemptJournal.open(directory, 10);
  expect(again.has('attempt-84')).toBe(false);
  for (let index = 85; index < 95; index++) expect(again.has(`attempt-${index}`)).toBe(true);
});

it('passes on that it cannot write', async () => {
  const journal = await AttemptJournal.open(directory);
  await rm(directory, { recursive: true });
  await expect(journal.add('a')).rejects.toThrow('ENOENT');
  await journal.close();
  directory = await mkdtemp(join(tmpdir(), 'gofer-journal-'));
});
