import { GoferError } from '@gofer/contracts';
import { describe, expect, it } from 'vitest';
import { parseVariables } from './parse-variables.ts';

describe('a file of variables', () => {
  it.each([
    ['', {}],
    ['A=1\nB=two words\n', { A: '1', B: 'two words' }],
    ['\ufeffA=1\r\nexport B = 2\r\n', { A: '1', B: '2' }],
    ['# comment\n\nA=1 # why\nB="# kept"\nC=\n', { A: '1', B: '# kept', C: '' }],
    ['KEY="one\ntwo"\nNEXT=3', { KEY: 'one\ntwo', NEXT: '3' }],
    ["A='x\nB=2", { A: "'x", B: '2' }],
    ['A=a=b', { A: 'a=b' }],
    [' { "A": "1", "B": "two\\nlines" } ', { A: '1', B: 'two\nlines' }],
  ])('%j', (text, variables) => {
    expect(parseVariables(text, 'v.env')).toEqual(variables);
  });

  it.each([
    [
      'A=1\nnonsense\n"B\nC=3\nA=2\n=x',
      ['v.env:2: must be KEY=VALUE', 'v.env:3: must be KEY=VALUE', 'v.env:5: A is given twice', 'v.env:6: must be KEY=VALUE'],
    ],
    ['A="one\ntwo\nthree"\nnonsense', ['v.env:4: must be KEY=VALUE']],
    [
      '{"A": 1, "B": null, "C": "c", "d e": [], "F": {}, "G": true}',
      [
        'v.env: $.A: must be a string, not a number',
        'v.env: $.B: must be a string, not null',
        'v.env: $["d e"]: must be a string, not an array',
        'v.env: $.F: must be a string, not an object',
        'v.env: $.G: must be a string, not a boolean',
      ],
    ],
  ])('%j is refused with every place', (text, faults) => {
    try {
      parseVariables(text, 'v.env');
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof GoferError)) throw error;
      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(error.details.map(({ path, message }) => `${path}: ${message}`)).toEqual(faults);
    }
  });

  it('that is broken JSON says where', () => {
    expect(() => parseVariables('{\n  "A": "1",\n  B\n}', 'v.json')).toThrow(/v\.json begins with \{ but is not JSON: .*line 3/u);
  });
});
