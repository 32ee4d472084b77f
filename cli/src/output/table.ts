import Table from 'cli-table3';
import type { Colours } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';

/** A cell: text that is not trusted, or text that a view has made safe and coloured. */
export type Cell = string | number | { readonly painted: string };

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** One line a row, never wrapped or cut, so that what reads the lines gets whole ones. Ends with a newline. */
export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[], colours: Colours): string {
  const table = new Table({
    head: head.map((title) => colours.bold(title)),
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map(toCellText));
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

function toCellText(cell: Cell): string {
  if (typeof cell === 'object') return cell.painted;
  return toSafeLine(String(cell));
}
