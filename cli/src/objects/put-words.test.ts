import { GoferError } from '@gofer/contracts';
import { describe, expect, it } from 'vitest';
import { readPutWords, readRunKeyWords, readRunPutWords } from './put-words.ts';

const value = (text: string) => ({ kind: 'value', value: text });
const file = (path: string) => ({ kind: 'file', path });
const stdin = { kind: 'stdin' };
const messageOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof GoferError && error.code === 'INVALID_ARGUMENT') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('what to put of a pipeline', () => {
  it.each([
    [['key=value'], 'key', value('value')],
    [['key='], 'key', value('')],
    [['key=a=b c'], 'key', value('a=b c')],
    [['5=five'], '5', value('five')],
    [['key', 'a.tar'], 'key', file('a.tar')],
    [['a/b c', './@'], 'a/b c', file('./@')],
    [['key', '@'], 'key', stdin],
    [['a=b', 'c'], 'a=b', file('c')],
  ])('%j', (words, key, content) => {
    expect(readPutWords(words, 'put p')).toEqual({ key, content });
  });

  it.each([
    [['key'], /"key" has no value[\s\S]*put p KEY=VALUE[\s\S]*put p KEY PATH[\s\S]*put p KEY @/u],
    [['=value'], /1 to 1,024 bytes/u],
    [['..', 'a.tar'], /neither \. nor \.\./u],
    [['x'.repeat(1_025), 'a.tar'], /one of 1025 bytes/u],
    [['ü'.repeat(513), 'a.tar'], /one of 1026 bytes/u],
  ])('%j is refused', (words, message) => {
    expect(messageOf(() => readPutWords(words, 'put p'))).toMatch(message);
  });
});

describe('what to put of a run', () => {
  it.each([
    [['key=value'], undefined, 'key', value('value')],
    [['7', 'key=value'], '7', 'key', value('value')],
    [['key', 'a.tar'], undefined, 'key', file('a.tar')],
    [['7', 'key', 'a.tar'], '7', 'key', file('a.tar')],
    [['7', '8', '@'], '7', '8', stdin],
    [['5=five'], undefined, '5', value('five')],
    [['7', 'a=b', 'c'], '7', 'a=b', file('c')],
  ])('%j', (words, run, key, content) => {
    expect(readRunPutWords(words, 'put p')).toEqual({ run, key, content });
  });

  it.each([
    [['7'], /7 is a run[\s\S]*put p 7 KEY=VALUE/u],
    [['7', 'a.tar'], /two ways[\s\S]*put p 7 a\.tar PATH[\s\S]*put p RUN 7 a\.tar/u],
    [['7', '@'], /two ways/u],
  ])('%j is refused', (words, message) => {
    expect(messageOf(() => readRunPutWords(words, 'put p'))).toMatch(message);
  });
});

describe('which object of a run', () => {
  it('is named by its key, with a run before it or not', () => {
    expect(readRunKeyWords({ run: undefined, key: 'a' }, 'get p')).toEqual({ run: undefined, key: 'a' });
    expect(readRunKeyWords({ run: '7', key: '8' }, 'get p')).toEqual({ run: '7', key: '8' });
  });

  it('is not guessed where the key has digits only', () => {
    expect(messageOf(() => readRunKeyWords({ run: undefined, key: '8' }, 'get p'))).toMatch(/get p 8 KEY[\s\S]*get p RUN 8/u);
  });
});
