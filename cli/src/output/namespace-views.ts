import type { Namespace } from '@gofer/contracts/api';
import type { Presentation } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderNamespaces(namespaces: readonly Namespace[], { colours, detail, now }: Presentation): string {
  const rows = namespaces.map(({ id, name, description, created }) => [id, name, description, formatTime(created, { now, exact: detail })]);
  return renderTable(['ID', 'NAME', 'DESCRIPTION', 'CREATED'], rows, colours);
}

export function renderNamespace({ id, name, description, created, modified }: Namespace, { colours, detail, now }: Presentation): string {
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const about = description === '' ? '' : `${toSafeText(description)}\n\n`;
  return `${colours.bold(toSafeLine(`[${id}] ${name}`))}\n${about}${colours.dim(`Created ${time(created)} · Changed ${time(modified)}`)}\n`;
}
