import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SenderCounts } from './sender-counts.ts';

function stage({ limit = 2, senders = 3 }: { readonly limit?: number; readonly senders?: number } = {}) {
  const clock = { now: 1000 };
  const counts = new SenderCounts({ limit, senders, now: () => clock.now });
  return { clock, counts };
}

describe('the events of an address', () => {
  it('are refused beyond the limit until its minute is over, and those of others are not', () => {
    const { clock, counts } = stage();
    expect([counts.add('192.0.2.1'), counts.add('192.0.2.1')]).toEqual([undefined, undefined]);
    clock.now += 20_500;
    expect([counts.add('192.0.2.1'), counts.add('192.0.2.2')]).toEqual([40, undefined]);
    clock.now += 39_499;
    expect(counts.add('192.0.2.1')).toBe(1);
    clock.now += 1;
    expect([counts.add('192.0.2.1'), counts.add('192.0.2.1'), counts.add('192.0.2.1')]).toEqual([undefined, undefined, 60]);
  });

  it('are those of its network of 64 bits', () => {
    const { counts } = stage();
    expect(['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8::2', '2001:db8:0:1::1'].map((each) => counts.add(each))).toEqual([
      undefined,
      undefined,
      60,
      undefined,
    ]);
  });

  it('are not counted without a limit', () => {
    const { counts } = stage({ limit: 0 });
    for (let index = 0; index < 100; index += 1) expect(counts.add('192.0.2.1')).toBeUndefined();
  });

  it('are forgotten of whoever was silent the longest, where too many send; whoever goes on is not let in again', () => {
    const { counts } = stage({ limit: 1, senders: 2 });
    expect(counts.add('192.0.2.1')).toBeUndefined();
    for (let last = 2; last < 50; last += 1) {
      expect(counts.add(`192.0.2.${last}`)).toBeUndefined();
      expect(counts.add('192.0.2.1')).toBe(60);
    }
    expect(counts.add('192.0.2.2')).toBeUndefined();
  });

  it('are never more in a minute than the limit, whoever sends between, as long as all are told apart', () => {
    const event = fc.record({ sender: fc.integer({ min: 0, max: 4 }), pauseMs: fc.integer({ min: 0, max: 30_000 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (events, limit) => {
        const { clock, counts } = stage({ limit, senders: 5 });
        const begun = new Map<number, { at: number; taken: number }>();
        for (const { sender, pauseMs } of events) {
          clock.now += pauseMs;
          const last = begun.get(sender);
          const window = last === undefined || clock.now - last.at >= 60_000 ? { at: clock.now, taken: 0 } : last;
          begun.set(sender, window);
          const wait = counts.add(`10.0.0.${sender}`);
          if (wait === undefined) window.taken += 1;
          else expect(wait).toBe(Math.ceil((window.at + 60_000 - clock.now) / 1000));
          expect(window.taken).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
