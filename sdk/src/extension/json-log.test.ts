import { expect, test } from 'vitest';
import { createJsonLog, describe as describeError } from './json-log.ts';

test('one line of JSON a message, whatever is in it', () => {
  const lines: string[] = [];
  const log = createJsonLog(
    'info',
    (line) => lines.push(line),
    () => 0,
  );
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  log('debug', 'not asked for');
  log('warn', 'two\nlines', { level: 'not heeded', big: 1n, run_id: 3 });
  log('error', 'circle', circle);
  log('error', 'failed', { error: new Error('why') });
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'two\nlines', big: '1', run_id: 3 },
    { time: '1970-01-01T00:00:00.000Z', level: 'error', message: 'circle', unwritable: expect.stringContaining('circular') },
    { time: '1970-01-01T00:00:00.000Z', level: 'error', message: 'failed', error: expect.stringMatching(/^Error: why\n {4}at/) },
  ]);
  expect(lines[1]).toMatch(/^\{"time":/);
});

test('an error says what is behind it', () => {
  expect(describeError(new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') }))).toBe('fetch failed: connect ECONNREFUSED');
});
