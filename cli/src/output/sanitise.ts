/**
 * What comes from a server or a task may hold control characters. In tables and messages none is let through; in logs the colours
 * (SGR, ECMA-48 §8.3.117) may stay, while what moves the cursor, sets titles or reprograms the terminal never does.
 */

// CSI; OSC and the other string sequences, ended by BEL or ST; escapes of two characters. Linear: no repetition lies in another.
const ESCAPE_SEQUENCE = new RegExp(
  [
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -\/]*[@-~]?`,
    String.raw`(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?`,
    String.raw`\u001b[ -\/]*[0-~]?`,
  ].join('|'),
  'gu',
);
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;
// oxlint-disable-next-line no-control-regex -- see above
const CONTROL_BUT_ESCAPE = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;
// oxlint-disable-next-line no-control-regex -- see above
const COLOUR = /^\u001b\[[0-9;:]*m$/u;
// oxlint-disable-next-line no-control-regex -- see above
const UNUSUAL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

const UNUSUAL_IN_JSON = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;

/** For a single line: every control character is gone, line breaks and tabs are spaces. */
export function toSafeLine(text: string): string {
  if (!UNUSUAL.test(text)) return text;
  return text
    .replace(ESCAPE_SEQUENCE, '')
    .replace(/[\t\n]+|\r\n?/gu, ' ')
    .replace(CONTROL, '');
}

/** For text of several lines: as `toSafeLine`, but line breaks and tabs stay. */
export function toSafeText(text: string): string {
  if (!UNUSUAL.test(text)) return text;
  return text.replace(ESCAPE_SEQUENCE, '').replaceAll('\r\n', '\n').replace(CONTROL, '');
}

/** The same JSON, in which what `JSON.stringify` leaves as it is of what a terminal takes for more than a character is escaped. */
export function toSafeJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  return json.replace(UNUSUAL_IN_JSON, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * For a line of a task's log among other output. A progress bar redraws its line after carriage returns: the last drawing is kept.
 * With `colours` the line keeps its own and ends with a reset if it used any.
 */
export function toSafeLogLine(text: string, options: { colours: boolean }): string {
  if (!UNUSUAL.test(text)) return text;
  const redrawn = text.endsWith('\r') ? text.slice(0, -1) : text;
  const last = redrawn.slice(redrawn.lastIndexOf('\r') + 1);
  if (!options.colours) return last.replace(ESCAPE_SEQUENCE, '').replace(CONTROL, '');
  let coloured = false;
  const kept = last.replace(ESCAPE_SEQUENCE, (sequence) => {
    if (!COLOUR.test(sequence)) return '';
    coloured = true;
    return sequence;
  });
  return kept.replace(CONTROL_BUT_ESCAPE, '') + (coloured ? '\u001b[0m' : '');
}
