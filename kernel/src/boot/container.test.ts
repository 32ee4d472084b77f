import { describe, expect, it } from 'vitest';
import { Container, token } from './container.ts';

const ONE = token<{ name: string }>('one');
const TWO = token<{ name: string }>('two');

describe('the container', () => {
  it('makes each thing once, when it is asked for, and ends them in reverse', async () => {
    const container = new Container();
    const journal: string[] = [];
    const make = (name: string) => () => {
      journal.push(`make ${name}`);
      return { name };
    };
    const close = ({ name }: { name: string }): void => void journal.push(`close ${name}`);
    container.register(TWO, () => ({ name: `${container.resolve(ONE).name}+two` }), close);
    container.register(ONE, make('one'), close);
    expect(journal).toEqual([]);
    expect(container.resolve(TWO)).toBe(container.resolve(TWO));
    await container.close(() => {});
    await container.close(() => {});
    expect(journal).toEqual(['make one', 'close one+two', 'close one']);
  });

  it('refuses what is registered twice or not at all', () => {
    const container = new Container();
    container.register(ONE, () => ({ name: 'one' }));
    expect(() => container.register(ONE, () => ({ name: 'other' }))).toThrow("'one' is registered twice");
    expect(() => container.resolve(TWO)).toThrow("nothing is registered as 'two'");
  });

  it('ends everything even if one end fails, and ends nothing that was not made', async () => {
    const container = new Container();
    const ended: string[] = [];
    container.register(
      ONE,
      () => ({ name: 'one' }),
      ({ name }) => void ended.push(name),
    );
    container.register(
      TWO,
      () => ({ name: 'two' }),
      () => Promise.reject(new Error('stuck')),
    );
    container.register(
      token('never'),
      () => 1,
      () => void ended.push('never'),
    );
    container.resolve(ONE);
    container.resolve(TWO);
    const errors: string[] = [];
    await container.close((name, error) => errors.push(`${name}: ${String(error)}`));
    expect([errors, ended]).toEqual([['two: Error: stuck'], ['one']]);
  });
});
