import type { AuditEntry } from '@gofer/contracts/api';
import type { Colours, Presentation } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderAudit(entries: readonly AuditEntry[], { colours, detail, now }: Presentation): string {
  const rows = entries.map((entry) => [
    formatTime(entry.at, { now, exact: detail }),
    entry.actor.user === '' ? '-' : entry.actor.user,
    entry.operation,
    renderTarget(entry.target),
    { painted: paintResult(entry.result, colours) },
    ...(detail ? [entry.actor.id === '' ? '-' : entry.actor.id, entry.address, entry.request_id, entry.id] : []),
  ]);
  const more = detail ? ['TOKEN', 'ADDRESS', 'REQUEST', 'ID'] : [];
  return renderTable(['WHEN', 'USER', 'OPERATION', 'TARGET', 'RESULT', ...more], rows, colours);
}

function renderTarget(target: AuditEntry['target']): string {
  const pairs = Object.entries(target).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '-' : pairs.join(' ');
}

function paintResult(result: string, colours: Colours): string {
  return result === 'success' ? colours.green(result) : colours.red(toSafeLine(result));
}
