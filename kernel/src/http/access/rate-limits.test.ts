import { describe, expect, test } from 'vitest';
import { RateLimits } from './rate-limits.ts';

const limits = (options: Partial<ConstructorParameters<typeof RateLimits>[0]> = {}) =>
  new RateLimits({ failedAuthentications: 3, expensiveRequests: 2, ...options });
const times = async <T>(count: number, work: () => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  for (let index = 0; index < count; index += 1) results.push(await work());
  return results;
};
const SOME = expect.toSatisfy((wait: unknown) => typeof wait === 'number' && wait >= 1 && wait <= 60);

test('what a token does not permit is counted apart from wrong credentials, by token', async () => {
  const rates = limits();
  expect(await times(4, () => rates.refused('a'))).toEqual([undefined, undefined, undefined, SOME]);
  expect([await rates.refused('b'), await rates.failedAuthentication('a')]).toEqual([undefined, undefined]);
  expect(await times(4, () => limits({ failedAuthentications: 0 }).refused('a'))).toEqual(Array.from({ length: 4 }));
});

describe('wrong credentials', () => {
  test('make an address wait once there were too many, loopback too, and nobody else', async () => {
    const rates = limits();
    expect(await times(5, () => rates.failedAuthentication('127.0.0.1'))).toEqual([undefined, undefined, undefined, SOME, SOME]);
    expect(await rates.failedAuthentication('127.0.0.2')).toBeUndefined();
  });

  test('of an IPv6 network of 64 bits are of one client', async () => {
    const rates = limits();
    const ofOne = ['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8::1:2:3:4', '2001:0db8:0:0::5', '2001:db8::1.2.3.4'];
    const waits = [];
    for (const address of ofOne) waits.push(await rates.failedAuthentication(address));
    expect(waits).toEqual([undefined, undefined, undefined, SOME, SOME]);
    for (const address of ['2001:db8:0:1::1', '2001:db8:1::1', '::1', '::', 'fe80::1']) {
      expect([address, await rates.failedAuthentication(address)]).toEqual([address, undefined]);
    }
  });

  test('are forgotten when the window is over', async () => {
    const rates = limits({ windowSeconds: 0.05 });
    await times(4, () => rates.failedAuthentication('192.0.2.1'));
    await expect.poll(() => rates.failedAuthentication('192.0.2.1'), { timeout: 20_000 }).toBeUndefined();
  });

  test('of more addresses than are told apart share one count, and those that are known keep theirs', async () => {
    const rates = limits({ clients: 2 });
    await times(3, () => rates.failedAuthentication('192.0.2.1'));
    await rates.failedAuthentication('192.0.2.2');
    const others = [];
    for (let last = 3; last < 8; last += 1) others.push(await rates.failedAuthentication(`192.0.2.${last}`));
    expect(others).toEqual([undefined, undefined, undefined, SOME, SOME]);
    expect(await rates.failedAuthentication('192.0.2.1')).toEqual(SOME);
    expect(await rates.failedAuthentication('192.0.2.2')).toBeUndefined();
  });

  test('leave room for other addresses when the window is over', async () => {
    const rates = limits({ clients: 1, windowSeconds: 0.05, failedAuthentications: 1 });
    await rates.failedAuthentication('192.0.2.1');
    await times(2, () => rates.failedAuthentication('192.0.2.2'));
    await expect.poll(() => rates.failedAuthentication('192.0.2.2'), { timeout: 20_000 }).toBeUndefined();
  });
});

test('expensive requests are counted by their token, and apart from wrong credentials', async () => {
  const rates = limits();
  expect(await times(3, () => rates.expensive('one'))).toEqual([undefined, undefined, SOME]);
  expect(await rates.expensive('two')).toBeUndefined();
  expect(await rates.failedAuthentication('one')).toBeUndefined();
});

test('0 is unlimited', async () => {
  const rates = limits({ failedAuthentications: 0, expensiveRequests: 0 });
  expect(new Set(await times(500, () => rates.failedAuthentication('127.0.0.1')))).toEqual(new Set([undefined]));
  expect(new Set(await times(500, () => rates.expensive('one')))).toEqual(new Set([undefined]));
});
