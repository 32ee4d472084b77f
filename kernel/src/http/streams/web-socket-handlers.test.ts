import { expect, test } from 'vitest';
import { toEndMessage } from './web-socket-handlers.ts';

test('the end of a log has the number that its next line would have, also where the first lines are gone', () => {
  const stat = { lines: 20, bytes: 300, live: false };
  const message = { attempt: 2, cursor: 'there', stat } as const;
  expect(toEndMessage({ format: 'end', ...message, dropped: 0 })).toMatchObject({ firstLine: 20, end: { lines: 20, bytes: 300 } });
  expect(toEndMessage({ format: 'end', ...message, dropped: 7 })).toMatchObject({ firstLine: 27, end: { lines: 20, bytes: 300 } });
});
