import { expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { SilenceLimit } from './silence-limit.ts';

/** A source that gives a value whenever it is told to. */
class Source implements AsyncIterable<number> {
  #asked = Promise.withResolvers<(value: number) => void>();

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<number>();
      this.#asked.resolve(resolve);
      yield await promise;
    }
  }

  async give(value: number): Promise<void> {
    const answer = await this.#asked.promise;
    this.#asked = Promise.withResolvers();
    answer(value);
  }
}

it('counts while the source is waited for, once it is on, and begins again with each value', async () => {
  const clock = new VirtualClock(0);
  let givenUp = 0;
  const limit = new SilenceLimit(clock, 1_000, () => void (givenUp += 1));
  const source = new Source();
  const values = limit.listened(source);

  const first = values.next();
  expect(clock.waiting).toBe(0);
  limit.turnOn();
  expect(clock.nextAt).toBe(1_000);
  await source.give(1);
  expect((await first).value).toBe(1);
  // Whoever has it may take as long as they want.
  expect(clock.waiting).toBe(0);

  const second = values.next();
  expect(clock.nextAt).toBe(1_000);
  clock.after(600, () => undefined);
  clock.advance();
  await source.give(2);
  await second;
  void values.next();
  expect(clock.nextAt).toBe(1_600);
  clock.advance();
  expect(givenUp).toBe(1);
});
