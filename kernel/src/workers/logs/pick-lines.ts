import type { BatchLines } from './batch-rendering.ts';
import type { LineMatcher } from './line-selection.ts';
import type { LogRun } from './log-store.ts';

const NEWLINE = 10;

/** The lines of those runs that match, in memory of their own; undefined where there is none. */
export function pickLines(lines: BatchLines, keepsRun: (run: LogRun) => boolean, matcher: LineMatcher | undefined): BatchLines | undefined {
  const { text, ends } = lines;
  const parts: Buffer[] = [];
  const newEnds: number[] = [];
  const numbers: number[] = [];
  const runs: LogRun[] = [];
  const continued: number[] = [];
  const known = new Set(lines.continued);
  let length = 0;
  let line = 0;
  const literal = matcher?.literal;
  /** Where the literal is next; behind the end where it is nowhere any more. */
  let hit = literal === undefined ? 0 : indexOf(text, literal, 0);
  for (const run of lines.runs) {
    const before = numbers.length;
    const behind = line + run.lines;
    if (!keepsRun(run)) {
      line = behind;
      continue;
    }
    for (; line < behind; line++) {
      const start = ends[line - 1] ?? 0;
      const end = ends[line] ?? start;
      if (matcher !== undefined) {
        if (literal !== undefined) {
          if (hit < start) hit = indexOf(text, literal, start);
          // Lines on the way to the next hit need no look.
          if (hit >= end) continue;
        }
        const textEnd = text[end - 1] === NEWLINE ? end - 1 : end;
        if (literal !== undefined && hit + literal.length > textEnd) continue;
        if (!matcher.matches(text, start, textEnd)) continue;
      }
      if (known.has(line)) continued.push(numbers.length);
      numbers.push(lines.firstLine + line);
      parts.push(text.subarray(start, end));
      length += end - start;
      newEnds.push(length);
    }
    if (numbers.length > before) runs.push({ ...run, lines: numbers.length - before });
  }
  const [firstLine] = numbers;
  if (firstLine === undefined) return undefined;
  return { firstLine, text: joinOwned(parts, length), ends: Uint32Array.from(newEnds), runs, continued, numbers };
}

/** The first `count` left out. */
export function withoutFirst(lines: BatchLines, count: number): BatchLines {
  const start = lines.ends[count - 1] ?? 0;
  const numbers = lines.numbers?.slice(count);
  let left = count;
  const runs: LogRun[] = [];
  for (const run of lines.runs) {
    const dropped = Math.min(left, run.lines);
    left -= dropped;
    if (run.lines > dropped) runs.push({ ...run, lines: run.lines - dropped });
  }
  return {
    firstLine: numbers?.[0] ?? lines.firstLine + count,
    text: lines.text.subarray(start),
    ends: lines.ends.subarray(count).map((end) => end - start),
    runs,
    continued: lines.continued.filter((line) => line >= count).map((line) => line - count),
    ...(numbers === undefined ? {} : { numbers }),
  };
}

function indexOf(text: Buffer, literal: Buffer, from: number): number {
  const at = text.indexOf(literal, from);
  return at < 0 ? text.length : at;
}

/** Memory of its own, which can be handed to another thread: that of a small `Buffer.concat` is shared. */
function joinOwned(parts: readonly Buffer[], length: number): Buffer {
  const all = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) at += part.copy(all, at);
  return all;
}
