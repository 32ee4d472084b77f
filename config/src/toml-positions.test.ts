import * as fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { scanTomlPositions } from './toml-positions.ts';

const TEXT = `# a comment with [brackets] and key = 1
top = 1 # [not.a.table]

[api]
log_level = "in#fo"   # comment = 2
"quoted key" = 'it''s'
 dotted . "k.e" = [
  1, # one
  [2, { inside = 3 }],
]

[ scheduler . docker ]
text = """
[fake]
key = 1 \\""" ""quoted"""""
literal = '''
fake = 2
'''''
inline = { first = 1, second = { third = [ { x = 1 } ] } }

[[many]]
name = 1
[[many.sub]]
y = 1
[[many]]
name = 2
last = 1979-05-27T07:32:00Z
`.replace("'it''s'", "'its'");

describe('scanTomlPositions', () => {
  it('finds every kind of key', () => {
    parse(TEXT);
    const lineOf = scanTomlPositions(TEXT);
    const lines = TEXT.split('\n');
    const expected: readonly (readonly [readonly string[], number])[] = [
      [['top'], 2],
      [['api'], 4],
      [['api', 'log_level'], 5],
      [['api', 'quoted key'], 6],
      [['api', 'dotted', 'k.e'], 7],
      [['api', 'dotted', 'k.e', '0'], 8],
      [['api', 'dotted', 'k.e', '1', '1', 'inside'], 9],
      [['scheduler', 'docker', 'text'], 13],
      [['scheduler', 'docker', 'literal'], 16],
      [['scheduler', 'docker', 'inline', 'second', 'third', '0', 'x'], 19],
      [['many', '0', 'name'], 22],
      [['many', '0', 'sub', '0', 'y'], 24],
      [['many', '1', 'name'], 26],
      [['many', '1', 'last'], 27],
    ];
    for (const [path, line] of expected) expect([path, lineOf(path), lines[line - 1]]).toEqual([path, line, lines[line - 1]]);
    expect(lineOf(['fake'])).toBeUndefined();
    expect(lineOf(['scheduler', 'docker', 'fake'])).toBeUndefined();
  });

  it('reads escapes in keys, Windows line ends and a last line without an end', () => {
    const lineOf = scanTomlPositions('\r\n"a\\u0062\\"" = ""\r\nlast = ""');
    expect(lineOf(['ab"'])).toBe(2);
    expect(lineOf(['last'])).toBe(3);
  });

  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.string(), { maxLength: 3 }));
  const key = fc.string({ minLength: 1, maxLength: 6 }).filter((name) => name !== '__proto__');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie('tree'), fc.array(tie('tree'), { minLength: 1, maxLength: 2 })), {
      maxKeys: 4,
    }),
  }));

  it('knows a line for every key of every document, in the order of the text', () => {
    fc.assert(
      fc.property(tree, (document) => {
        const text = stringify(document);
        const lineOf = scanTomlPositions(text);
        const lines = text.split('\n');
        for (const path of pathsOf(parse(text), [])) {
          const line = lineOf(path);
          expect(line, `${JSON.stringify(path)} in\n${text}`).toBeDefined();
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
        }
      }),
    );
  });
});

function* pathsOf(value: unknown, path: readonly string[]): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null || value instanceof Date) return;
  for (const [name, part] of Object.entries(value)) yield* pathsOf(part, [...path, name]);
}
