import type { StoredObject } from '@gofer/contracts/api';
import type { Presentation } from './presentation.ts';
import { formatSize } from './sizes.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderObjects(objects: readonly StoredObject[], { colours, detail, now }: Presentation): string {
  const rows = objects.map(({ key, created, size }) => [key, formatTime(created, { now, exact: detail }), renderSize(size, detail)]);
  return renderTable(['KEY', 'CREATED', 'SIZE'], rows, colours);
}

function renderSize(size: number | undefined, exact: boolean): string {
  if (size === undefined) return '-';
  return exact ? `${size} B` : formatSize(size);
}
