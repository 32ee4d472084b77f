import { describe, expect, test } from 'vitest';
import { secretForms, secretPatterns } from './secret-patterns.ts';
import { createTextMasker } from './text-masker.ts';

describe('what is masked', () => {
  const value = ' p@ss w0rd/ü"(1)<~*\' ';
  const trimmed = value.trim();
  const masker = createTextMasker([value]);
  const utf8 = Buffer.from(trimmed);

  test.each([
    ['the value', trimmed],
    ['base64, where it is all that is encoded', utf8.toString('base64')],
    ['base64 with its white space', Buffer.from(value).toString('base64')],
    ['base64 of a line', Buffer.from(`${trimmed}\n`).toString('base64')],
    ['base64 of a line with its white space', Buffer.from(`${value}\n`).toString('base64')],
    ['base64 for URLs', utf8.toString('base64url')],
    ['URL encoding', encodeURIComponent(trimmed)],
    ['URL encoding in lower case', encodeURIComponent(trimmed).replace(/%../g, (hex) => hex.toLowerCase())],
    ['strict URL encoding', 'p%40ss%20w0rd%2F%C3%BC%22%281%29%3C~%2A%27'],
    ['URL encoding of a path', 'p%40ss%20w0rd/%C3%BC%22%281%29%3C~%2A%27'],
    ['URL encoding of a path, laxer', encodeURIComponent(trimmed).replaceAll('%2F', '/')],
    ['form encoding', new URLSearchParams({ a: trimmed }).toString().slice(2)],
    ['form encoding by others', 'p%40ss+w0rd%2F%C3%BC%22%281%29%3C~%2A%27'],
    ['URL encoding with + for spaces', encodeURIComponent(trimmed).replaceAll('%20', '+')],
    ['JSON', JSON.stringify(trimmed).slice(1, -1)],
    ['JSON with escaped slashes', JSON.stringify(trimmed).slice(1, -1).replaceAll('/', '\\/')],
    ['JSON in ASCII', JSON.stringify(trimmed).slice(1, -1).replace('ü', '\\u00fc')],
    ['JSON in ASCII, upper case', JSON.stringify(trimmed).slice(1, -1).replace('ü', '\\u00FC')],
    ['JSON in ASCII with escaped slashes', JSON.stringify(trimmed).slice(1, -1).replace('ü', '\\u00fc').replaceAll('/', '\\/')],
    ['JSON fit for HTML', JSON.stringify(trimmed).slice(1, -1).replace('<', '\\u003c')],
    ['the trace of bash', trimmed.replaceAll("'", `'\\''`)],
    ['the trace of dash', trimmed.replaceAll("'", `'"'"'`)],
  ])('%s', (_what, form) => {
    expect(masker(`before ${form} behind`)).toBe('before [redacted] behind');
    // Nothing of it is left where the output is folded.
    expect(masker(`${form.slice(0, 7)}\r\n${form.slice(7)}`)).toBe('[redacted]\r\n[redacted]');
  });

  test('base64, wherever it stands in what is encoded', () => {
    for (let before = 0; before < 9; before++) {
      const encoded = Buffer.from(`${'x'.repeat(before)}${trimmed}${'yz'.repeat(before)}`).toString('base64');
      const [start, end, ...others] = masker(encoded).split('[redacted]');
      expect(others).toEqual([]);
      const visible = Buffer.concat([Buffer.from(start ?? '', 'base64'), Buffer.from(end ?? '', 'base64')]).toString('latin1');
      expect(visible.startsWith('x'.repeat(before))).toBe(true);
      // What is left of the secret are bits of its first and last bytes, which no group of four characters shows whole.
      expect((start ?? '').length).toBeLessThanOrEqual(Math.ceil((before * 8) / 6));
      expect((end ?? '').length).toBeLessThanOrEqual(Math.ceil((before * 2 * 8) / 6) + 3);
    }
  });

  test('each line of a value with several, and the encodings of both', () => {
    const mask = createTextMasker(['first line\r\n short\n\tsecond/line \n']);
    expect(mask('a second/line b')).toBe('a [redacted] b');
    expect(mask('short')).toBe('short');
    expect(mask('first line\r\n short\n\tsecond/line')).toBe('[redacted]\r\n[redacted]\n[redacted]');
    expect(mask(encodeURIComponent('second/line'))).toBe('[redacted]');
    expect(mask(Buffer.from('second/line').toString('base64'))).toBe('[redacted]');
    expect(mask(JSON.stringify('first line\r\n short\n\tsecond/line'))).toBe('"[redacted]"');
  });

  test('lines that begin a value and are short, with whatever line breaks', () => {
    const mask = createTextMasker(['{\n "a": 1,\n "b": 2\n}']);
    expect(mask('{\r\n "a": 1,\r\n "b": 2\r\n}')).toBe('[redacted]\r\n[redacted]\r\n[redacted]\r\n[redacted]');
    expect(createTextMasker(['ab\ncd\nef'])('abcdef')).toBe('[redacted]');
  });

  test('lines of a value with more than a hundred, and not their encodings', () => {
    const lines = Array.from({ length: 101 }, (_, index) => `line/number/${index}`);
    const mask = createTextMasker([lines.join('\n')]);
    expect(mask('see line/number/77!')).toBe('see [redacted]!');
    expect(mask(encodeURIComponent('line/number/77'))).toBe(encodeURIComponent('line/number/77'));
    expect(createTextMasker([lines.slice(1).join('\n')])(encodeURIComponent('line/number/77'))).toBe('[redacted]');
  });

  test('nothing shorter than six characters', () => {
    expect(secretPatterns(['', 'abcde', ' abcde\n', 'éééé€', '😀😀😀'])).toEqual([]);
    expect(createTextMasker(['😀😀😀😀😀😀'])('a😀😀😀😀😀😀b')).toBe('a[redacted]b');
    expect(createTextMasker([])('anything')).toBe('anything');
  });

  test('what stands together and what overlaps once', () => {
    const mask = createTextMasker(['abcdefgh', 'efghijkl']);
    expect(mask('abcdefghijkl')).toBe('[redacted]');
    expect(mask('abcdefghabcdefgh')).toBe('[redacted]');
    expect(mask('abcdefgh abcdefgh')).toBe('[redacted] [redacted]');
  });

  test('and leaves a text without a secret as it is', () => {
    expect(masker('a lone \ud800 surrogate')).toBe('a lone \ud800 surrogate');
    expect(createTextMasker(['lone \ud800 surrogate'])('a lone \ud800 surrogate')).toBe('a [redacted]');
  });
});

test('base64 that is wrapped at the beginning of a secret shows five characters of it at most', () => {
  const value = 'correct-horse-battery-staple';
  const mask = createTextMasker([value]);
  for (let before = 0; before < 120; before++) {
    const encoded = Buffer.from(`${'.'.repeat(before)}${value} and more`).toString('base64');
    const wrapped = encoded.replace(/.{76}/g, '$&\n');
    const left = mask(wrapped).replaceAll('\n', '');
    for (const form of secretForms(value)) expect(left).not.toContain(form.slice(0, 6));
    expect(left).toContain('[redacted]');
  }
});

test('a long value is masked in parts, whatever its line breaks', () => {
  const value = Array.from({ length: 60 }, (_, index) => `${'0123456789abcdefghijklmnopqrstuvwxyz'.slice(index % 30)}-${index}`).join('\n');
  const mask = createTextMasker([value]);
  const base64 = Buffer.from(value).toString('base64');
  for (const width of [60, 64, 72, 76, 77, 100, 4096]) {
    const wrapped = base64.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
    expect(mask(wrapped).replaceAll('\r\n', '')).toMatch(/^(\[redacted\])+$/);
  }
  expect(mask(value.replaceAll('\n', '\r\n')).replaceAll('\r\n', '')).toBe('[redacted]'.repeat(60));
  expect(mask(value.replaceAll('\n', ''))).toBe('[redacted]');
  // A part of it, such as a line that something else has cut.
  expect(mask(base64.slice(100, 1500))).toMatch(/^.{0,400}\[redacted\].{0,400}$/);
});
