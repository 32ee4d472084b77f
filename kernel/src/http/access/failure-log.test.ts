import { expect, test } from 'vitest';
import { FailureLog } from './failure-log.ts';

test('a line for each address and minute, and later how many more there were', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = new FailureLog(
    (_, message, fields) => lines.push([message, fields]),
    () => now,
  );
  for (let request = 0; request < 10_000; request += 1) log.failed(`10.0.0.${request % 2}`);
  expect(lines).toEqual([
    ['wrong credentials', { address: '10.0.0.0' }],
    ['wrong credentials', { address: '10.0.0.1' }],
  ]);
  now = 61_000;
  log.failed('10.0.0.1');
  expect(lines.slice(2)).toEqual([
    ['wrong credentials, again', { address: '10.0.0.0', requests: 4999, seconds: 61 }],
    ['wrong credentials, again', { address: '10.0.0.1', requests: 4999, seconds: 61 }],
    ['wrong credentials', { address: '10.0.0.1' }],
  ]);
});

test('addresses beyond a thousand are one', () => {
  let lines = 0;
  const log = new FailureLog(
    () => {
      lines += 1;
    },
    () => 0,
  );
  for (let host = 0; host < 5000; host += 1) log.failed(`host-${host}`);
  expect(lines).toBe(1001);
});
