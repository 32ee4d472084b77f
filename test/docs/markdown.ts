/** The pages of the documentation, and what their tests need of Markdown. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface CodeBlock {
  /** `docs/logs.md:12`: where the fence is. */
  readonly at: string;
  readonly language: string;
  readonly text: string;
  /** From `<!-- not run: reason -->` before it. */
  readonly notRun: string | undefined;
  /** From `<!-- exit: N -->` before it, of its last command. */
  readonly exitCode: number;
}

export interface Page {
  /** Relative to the root. */
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly CodeBlock[];
}

export function readPages(): readonly Page[] {
  const names = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: ROOT }).sort()];
  return names.map((name) => {
    const text = readFileSync(join(ROOT, name), 'utf8');
    return { name, text, blocks: blocksOf(name, text) };
  });
}

function blocksOf(name: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const fence = /^```(\w*)$/.exec(lines[index] ?? '');
    if (fence === null) continue;
    const end = lines.indexOf('```', index + 1);
    if (end === -1) throw new Error(`${name}:${index + 1}: a block without an end`);
    const before = lines[index - 1] ?? '';
    blocks.push({
      at: `${name}:${index + 1}`,
      language: fence[1] ?? '',
      text: lines.slice(index + 1, end).join('\n'),
      notRun: /^<!-- not run: (.+) -->$/.exec(before)?.[1],
      exitCode: Number(/^<!-- exit: (\d+) -->$/.exec(before)?.[1] ?? 0),
    });
    index = end;
  }
  return blocks;
}

/** The text outside of blocks and of code in the line. */
export function proseOf(page: Page): string {
  return page.text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}
