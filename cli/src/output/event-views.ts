import type { Event } from '@gofer/contracts/api';
import type { Presentation } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';

/** One line: when, what, and to whom it happened. */
export function renderEvent(event: Event, { colours }: Presentation): string {
  const [[kind, payload] = ['unknown', {}]] = Object.entries(event.kind);
  const fields = Object.entries(payload).map(
    ([key, value]) => `${colours.dim(`${toSafeLine(key)}=`)}${toSafeLine(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
  return `${colours.dim(new Date(event.emitted).toISOString())} ${colours.cyan(toSafeLine(kind))} ${fields.join(' ')} ${colours.dim(toSafeLine(event.id))}\n`;
}

export function renderEventInFull(event: Event, { colours }: Presentation): string {
  const [[kind, payload] = ['unknown', {}]] = Object.entries(event.kind);
  const rows = Object.entries(payload).map(
    ([key, value]) => `  ${toSafeLine(key)}: ${toSafeLine(typeof value === 'string' ? value : JSON.stringify(value))}\n`,
  );
  return `${colours.bold(toSafeLine(kind))} ${colours.dim(toSafeLine(event.id))}\n  at ${new Date(event.emitted).toISOString()}\n${rows.join('')}`;
}
