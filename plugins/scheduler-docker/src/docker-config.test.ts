import { expect, it } from 'vitest';
import { LONGEST_TIMER_MS } from './docker-config.ts';
import { Engine } from './engine.ts';

it('waits as long as a timer can where the configuration asks for more', async () => {
  const month = 30 * 86_400;
  const engine = await Engine.open({ host: 'unix:///nowhere', timeout: month });
  expect(month * 1000).toBeGreaterThan(LONGEST_TIMER_MS);
  expect(engine.timeoutMs).toBe(LONGEST_TIMER_MS);
  engine.close();
});
