/** The extensions as the server sees them: over HTTP, with the kit that comes with the SDK, across ends and kills. */
import { startTestKit, type TestKit } from '@gofer/sdk/extension/testing';
import { describe, expect, it } from 'vitest';
import { extension as cron } from '../../cron/src/cron-extension.ts';
import { extension as interval } from '../../interval/src/interval-extension.ts';
import { extension as pipeline } from '../../pipeline/src/pipeline-extension.ts';

const MINUTE = 60_000;
const now = Date.parse('2026-06-01T12:00:30Z');

function ticks(kit: TestKit, pipelineId: string): number[] {
  return kit.runs
    .filter((run) => run.pipeline.pipelineId === pipelineId)
    .map(({ idempotencyKey }) => Number(idempotencyKey.split('/').at(-1)));
}

describe('cron on a server', () => {
  it('starts two hundred runs of the same minute, each once', async () => {
    await using kit = await opened(cron);
    const given = Array.from({ length: 200 }, (_, index) => ({ pipelineId: `p${index}`, subscriptionId: 'sub' }));
    await Promise.all(given.map((name) => kit.subscribe({ ...name, params: { expression: '* * * * * *' } })));
    await kit.clock.advance(MINUTE);
    expect(kit.runs).toHaveLength(200);
    expect(kit.requests).toHaveLength(200);
    expect(new Set(kit.runs.map(({ at }) => at))).toEqual(new Set([now + MINUTE / 2]));
  });

  it('loses and doubles nothing in fifty ends and kills, with an outage in each', async () => {
    await using kit = await opened(cron);
    await kit.subscribe({ pipelineId: 'simple', subscriptionId: 'sub', params: { expression: '* * * * * *', catch_up: 'all' } });
    const outages = ['503', 'lost answer', 'refuse connections', '429'] as const;
    for (let life = 0; life < 50; life += 1) {
      kit.failNext(life % 3, outages[life % outages.length] ?? '503');
      await kit.clock.advance((life * 13_700) % 150_000);
      await kit.restart({ kill: life % 4 !== 0, downMs: (life * 7_300) % 90_000 });
    }
    await kit.clock.advance(2 * MINUTE);
    const passed = Math.floor((kit.clock.now() - now + MINUTE / 2) / MINUTE);
    expect(ticks(kit, 'simple').toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: passed }, (_, index) => (now + MINUTE / 2) / 1_000 + index * 60),
    );
  });

  it('skips what overlaps, and says why a parameter is refused', async () => {
    await using kit = await opened(cron);
    await kit.subscribe({ pipelineId: 'simple', subscriptionId: 'sub', params: { expression: '* * * * * *', overlap: 'skip' } });
    await kit.clock.advance(2 * MINUTE);
    kit.finishRun(1, 'successful');
    await kit.clock.advance(MINUTE);
    expect(kit.runs.map(({ at }) => (at - now) / MINUTE)).toEqual([0.5, 2.5]);
    const refused = kit.subscribe({ pipelineId: 'simple', subscriptionId: 'other', params: { expression: '*/5 * * * * *' } });
    await expect(refused).rejects.toThrow('field 1 (minute) is "*/5": steps ("/") are not supported');
    expect(await kit.debug()).toMatchObject({ subscriptions: [{ subscription: 'default/simple/sub', skipped: 1 }] });
  });
});

describe('interval on a server', () => {
  it('keeps its anchor, and makes one run of what it missed', async () => {
    await using kit = await opened(interval);
    await kit.subscribe({ pipelineId: 'simple', subscriptionId: 'sub', params: { every: '5m' } });
    await kit.clock.advance(11 * MINUTE);
    await kit.restart({ kill: true, downMs: 25 * MINUTE });
    expect(ticks(kit, 'simple')).toEqual([1, 2, 7]);
    await kit.clock.advance(4 * MINUTE);
    expect(ticks(kit, 'simple')).toEqual([1, 2, 7, 8]);
    expect(kit.runs.at(-1)?.at).toBe(now + 40 * MINUTE);
  });
});

describe('pipeline on a server', () => {
  it('follows runs that end while it is away, and after its events have expired', async () => {
    await using kit = await opened(pipeline);
    await kit.subscribe({ pipelineId: 'deploy', subscriptionId: 'sub', params: { pipeline: 'build' } });
    let run = 0;
    const complete = (status = 'successful'): void => {
      run += 1;
      kit.emit('completed_run', { namespace_id: 'default', pipeline_id: 'build', run_id: run, status });
    };
    const followed = (): string[] => kit.runs.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_RUN'] ?? '');
    await kit.clock.advance(1);
    complete();
    await kit.clock.advance(2_000);
    expect(followed()).toEqual(['1']);
    complete('failed');
    const restarted = kit.restart({ kill: true, downMs: MINUTE });
    complete();
    await restarted;
    await kit.clock.advance(2_000);
    expect(followed()).toEqual(['1', '3']);
    kit.disconnect();
    kit.failNext(2, 'lost answer');
    complete();
    await kit.clock.advance(MINUTE);
    expect(followed()).toEqual(['1', '3', '4']);
    kit.disconnect();
    kit.expireEvents();
    complete();
    await kit.clock.advance(MINUTE);
    expect(followed()).toEqual(['1', '3', '4', '5']);
  });
});

async function opened(factory: Parameters<typeof startTestKit>[0]): Promise<TestKit & AsyncDisposable> {
  const kit = await startTestKit(factory, { now });
  return Object.defineProperty(kit, Symbol.asyncDispose, { value: () => kit.close() }) as TestKit & AsyncDisposable;
}
