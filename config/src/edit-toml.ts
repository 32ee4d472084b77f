/** Changes single keys of a TOML text that somebody wrote by hand: everything else in it, comments too, stays byte for byte. */
import { scanTomlRoot, type TomlEntry } from './toml-positions.ts';

/**
 * Gives keys of the table that the text begins with another value, or none: undefined takes a key out, with its line where nothing else
 * stands on it. New keys come behind the last one of that table. `text` must be valid TOML, in which none of the keys is a table.
 */
export function editToml(text: string, changes: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(changes).reduce((edited, [key, value]) => editKey(edited, key, value), text);
}

function editKey(text: string, key: string, value: string | undefined): string {
  const { entries, tables } = scanTomlRoot(text);
  const entry = entries.find(({ names }) => names.length === 1 && names[0] === key);
  if (entry !== undefined) {
    return value === undefined ? removeEntry(text, entry) : text.slice(0, entry.valueStart) + toTomlString(value) + text.slice(entry.end);
  }
  if (value === undefined) return text;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const line = `${toTomlKey(key)} = ${toTomlString(value)}${newline}`;
  const at = placeForKey(text, entries, tables);
  const before = text.slice(0, at);
  const isOpen = before !== '' && before !== '\uFEFF' && !before.endsWith('\n');
  return before + (isOpen ? newline : '') + line + text.slice(at);
}

/** Behind the line of the last key; without one before the first table, where a text that has none ends. */
function placeForKey(text: string, entries: readonly TomlEntry[], tables: number | undefined): number {
  const last = entries.at(-1);
  if (last !== undefined) {
    const end = text.indexOf('\n', last.end);
    return end === -1 ? text.length : end + 1;
  }
  return tables === undefined ? text.length : startOfLine(text, tables);
}

function removeEntry(text: string, { start, end }: TomlEntry): string {
  const lineStart = startOfLine(text, start);
  const [rest = '', comment] = /^[ \t]*(#[^\n]*)?/u.exec(text.slice(end)) ?? [];
  if (comment !== undefined) return text.slice(0, start) + text.slice(end + rest.length - comment.length);
  const [lineEnd = ''] = /^[ \t]*(?:\r?\n)?/u.exec(text.slice(end)) ?? [];
  return text.slice(0, lineStart) + text.slice(end + lineEnd.length);
}

/** A byte order mark stays before the first line. */
function startOfLine(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return offset > 0 && start === 0 && text.startsWith('\uFEFF') ? 1 : start;
}

function toTomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/u.test(key) ? key : toTomlString(key);
}

/** TOML's basic strings have JSON's escapes; TOML wants DEL escaped, too. */
function toTomlString(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', String.raw`\u007f`);
}
