import * as fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { editToml } from './edit-toml.ts';

describe('editToml', () => {
  it.each<[string, string, string | undefined, string]>([
    ['an empty text', '', 'new', 'token = "new"\n'],
    ['a comment alone', '# mine', 'new', '# mine\ntoken = "new"\n'],
    ['a value', 'a = 1\ntoken = "old" # why\nb = 2\n', 'new', 'a = 1\ntoken = "new" # why\nb = 2\n'],
    ['a value without an end of the line', "token='old'", 'new', 'token="new"'],
    ['a quoted key', '"token" = """\nold # ]\n"""\t# why\r\nb = 2', 'n"e\\w', '"token" = "n\\"e\\\\w"\t# why\r\nb = 2'],
    ['a value that is no text', '\ttoken = 31337  # why\n', 'new', '\ttoken = "new"  # why\n'],
    ['the last key', 'a = 1 # one\n\n# about b\n[b]\n', 'new', 'a = 1 # one\ntoken = "new"\n\n# about b\n[b]\n'],
    ['a table with such a key', '# about b\n[b]\ntoken = 1\n', 'new', '# about b\ntoken = "new"\n[b]\ntoken = 1\n'],
    ['a last line without an end', 'a = 1', 'new', 'a = 1\ntoken = "new"\n'],
    ['Windows line ends', 'a = 1\r\nb = 2\r\n', 'new', 'a = 1\r\nb = 2\r\ntoken = "new"\r\n'],
    ['a byte order mark', '\uFEFF[b]\n', 'new', '\uFEFFtoken = "new"\n[b]\n'],
    ['a key to take out', 'a = 1\n  token = "old"  \nb = 2\n', undefined, 'a = 1\nb = 2\n'],
    ['a key with a comment to take out', 'a = 1\ntoken = "old" # why\r\nb = 2\n', undefined, 'a = 1\n# why\r\nb = 2\n'],
    ['the only key to take out', '\uFEFFtoken = "old"', undefined, '\uFEFF'],
    ['nothing to take out', 'a.token = 1\n[token2]\n', undefined, 'a.token = 1\n[token2]\n'],
  ])('%s', (_, text, value, edited) => {
    expect(editToml(text, { token: value })).toBe(edited);
  });

  const word = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
  const comment = word.map((text) => `# ${text} token = "no" [no]`);
  const blank = fc.oneof(fc.constantFrom('', '  ', '\t'), comment);
  const value = fc.oneof(
    word.map((text) => JSON.stringify(text)),
    word.filter((text) => !text.includes("'")).map((text) => `'${text}'`),
    word.filter((text) => !text.includes("'")).map((text) => `'''\n${text}\ntoken = 1\n# no\n'''`),
    word.map((text) => `"""${JSON.stringify(text).slice(1, -1)}\n[no]\n"" """`),
    fc.constantFrom('1', 'true', '1979-05-27 07:32:00', '[1, # one\n "]", [2]]', '{ token = 1, b = "}" }'),
  );
  const key = fc.constantFrom('a', 'b', '"c d"', "'e#'", 'f . g', 'token');
  const entry = fc
    .tuple(key, value, fc.constantFrom('', ' ', '\t'), fc.oneof(fc.constant(''), comment))
    .map(([name, written, gap, behind]) => ({ name, text: `${gap}${name} =${gap}${written}${gap}${behind}` }));
  const document = fc
    .record({
      mark: fc.constantFrom('', '\uFEFF'),
      root: fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 6 }),
      blanks: fc.array(blank, { maxLength: 3 }),
      tables: fc.constantFrom('', '[t]\ntoken = "of the table"\n', '[[u]]\n[u.token]\nx = 1'),
      newline: fc.constantFrom('\n', '\r\n'),
      end: fc.boolean(),
    })
    .map(({ mark, root, blanks, tables, newline, end }) => {
      const lines = [...blanks, ...root.map(({ text }) => text), ...blanks, ...(tables === '' ? [] : tables.split('\n'))];
      return mark + lines.join('\n').replaceAll('\n', newline) + (end ? newline : '');
    });
  const token = fc.oneof(word, fc.string(), fc.constant('\u007f"\\\n'));

  it('changes that key of any text, and nothing else', () => {
    fc.assert(
      fc.property(
        document,
        token.filter((text) => text.isWellFormed()),
        (text, secret) => {
          const before = parse(text);
          const stored = editToml(text, { token: secret });
          expect(parse(stored)).toEqual({ ...before, token: secret });
          expect(editToml(stored, { token: secret })).toBe(stored);
          // Every character but the value's own is there still, in its order.
          expect(isWithin(editToml(text, { token: '' }), stored)).toBe(true);

          const { token: _, ...others } = before;
          const removed = editToml(stored, { token: undefined });
          expect(parse(removed)).toEqual(others);
          expect(isWithin(removed, text.endsWith('\n') ? text : `${text}\r\n`)).toBe(true);
          if (!('token' in before) && text.endsWith('\n')) expect(removed).toBe(text);
        },
      ),
    );
  });

  it('works on what a program wrote', () => {
    const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.string(), { maxLength: 3 }));
    const name = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => text !== '__proto__');
    const tree = fc.dictionary(name, fc.oneof(leaf, fc.dictionary(name, leaf, { maxKeys: 3 })), { maxKeys: 4 });
    fc.assert(
      fc.property(tree, (values) => {
        const text = stringify(values);
        expect(parse(editToml(text, { token: 'x', host: undefined }))).toEqual({ ...parse(text), token: 'x' });
      }),
    );
  });
});

/** True where `text` is left of `whole` when some of its characters are taken out. */
function isWithin(text: string, whole: string): boolean {
  let at = 0;
  for (const character of text) {
    at = whole.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
