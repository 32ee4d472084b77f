import type { ExtensionHost } from '@gofer/sdk/extension';
import { expect, test } from 'vitest';
import { TestServer } from './test-host.fixture.ts';
import { Timetable } from './timetable.ts';

const MINUTE = 60_000;

test('a fault of the program costs a subscription half a minute, and not the rest of its runs', async () => {
  const server = new TestServer('2026-11-01T00:00:00Z');
  let faults = 1;
  const life = await server.launch((host: ExtensionHost) => {
    const timetable = new Timetable(host, () => undefined);
    return {
      info: { documentation: '', configParams: [], subscriptionParams: [] },
      subscribe: (name) =>
        timetable.set(
          {
            name,
            ticks: {
              next: (after) => (Math.floor(after / MINUTE) + 1) * MINUTE,
              between: (after, until) => {
                if (faults-- > 0) throw new TypeError('a fault');
                const ticks: number[] = [];
                for (let tick = (Math.floor(after / MINUTE) + 1) * MINUTE; tick <= until; tick += MINUTE) ticks.push(tick);
                return ticks;
              },
            },
            policy: { catchUp: 'once', onTimeMs: MINUTE },
            skipOverlap: false,
            key: (tick) => `tick/${tick}`,
            variables: () => ({}),
          },
          { position: host.clock.now() },
        ),
      unsubscribe: (name) => timetable.remove(name),
      shutdown: () => timetable.close(),
    };
  });
  await life.extension.subscribe({ namespaceId: 'default', pipelineId: 'one', subscriptionId: 'tick', params: {} });
  await server.clock.turn(3 * MINUTE);
  expect(server.started.map(({ at }) => new Date(at).toISOString().slice(14, 19))).toEqual(['01:30', '02:00', '03:00']);
  expect(server.logged.join()).toContain('the timetable of default/one/tick has failed');
});
