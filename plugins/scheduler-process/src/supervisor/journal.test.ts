import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, type JournalRecord } from './journal.ts';

describe('the journal', () => {
  let directory: string;
  const path = (): string => join(directory, 'journal');
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-journal-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const started = (attempt: string): JournalRecord => ({ step: 'start', attempt, labels: {} });

  it('gives back what was appended, noted and committed, in order', async () => {
    const { journal, records } = Journal.open(path());
    expect(records).toEqual([]);
    journal.append(started('a'));
    journal.noteLater({ step: 'read', attempt: 'a' });
    await Promise.all(['b', 'c', 'd'].map((attempt) => journal.commit(started(attempt))));
    journal.note({ step: 'close', reason: '' });
    expect(Journal.open(path()).records).toEqual([
      started('a'),
      { step: 'read', attempt: 'a' },
      started('b'),
      started('c'),
      started('d'),
      { step: 'close', reason: '' },
    ]);
  });

  it('goes on behind a line that was cut off', () => {
    Journal.open(path()).journal.append(started('a'));
    appendFileSync(path(), '{"step":"st');
    const { journal, records } = Journal.open(path());
    expect(records).toEqual([started('a')]);
    journal.compact(records);
    journal.append(started('b'));
    expect(Journal.open(path()).records).toEqual([started('a'), started('b')]);
  });

  it('wants to be rewritten when it has grown, and says nothing else afterwards', () => {
    const { journal } = Journal.open(path());
    expect(journal.wantsCompaction).toBe(false);
    const labels = { label: 'x'.repeat(50_000) };
    for (let index = 0; index < 30; index++) journal.append({ step: 'start', attempt: String(index), labels });
    expect(journal.wantsCompaction).toBe(true);
    journal.compact([started('left')]);
    expect(journal.wantsCompaction).toBe(false);
    expect(readFileSync(path(), 'utf8')).toBe(`${JSON.stringify(started('left'))}\n`);
  });
});
