import type { Delivery } from '@gofer/contracts/api';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { formatSize } from './sizes.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderDeliveries(deliveries: readonly Delivery[], { colours, detail, now }: Presentation): string {
  if (deliveries.length === 0) return 'No events came in from outside, or none of those that were asked for is kept.\n';
  const rows = deliveries.map(({ delivery_id, received, size, state, attempts, status_code, message, runs = [] }) => [
    delivery_id,
    formatTime(received, { now, exact: detail }),
    formatSize(size),
    { painted: paintStatus(state, colours) },
    attempts,
    status_code ?? '-',
    runs.map(nameOf).join(' '),
    message ?? '',
  ]);
  return renderTable(['ID', 'RECEIVED', 'SIZE', 'STATE', 'ATTEMPTS', 'ANSWER', 'RUNS', 'MESSAGE'], rows, colours);
}

export function renderDelivery(delivery: Delivery, { colours, detail, now }: Presentation): string {
  const {
    delivery_id,
    extension_id,
    received,
    size,
    state,
    attempts,
    finished,
    next_attempt = 0,
    status_code,
    message,
    runs = [],
    headers,
  } = delivery;
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const answer = [...(status_code === undefined ? [] : [String(status_code)]), ...(message === undefined ? [] : [toSafeLine(message)])];
  const started = runs.map((run) => `  Started run ${toSafeLine(nameOf(run))}\n`).join('');
  const rows = Object.entries(headers ?? {}).map(([name, value]) => [`  ${name}:`, value]);
  return (
    `${colours.bold(`Delivery ${toSafeLine(delivery_id)}`)} to ${toSafeLine(extension_id)} :: ${paintStatus(state, colours)}\n` +
    `  Received ${time(received)}, ${formatSize(size)}; handed to the extension ${attempts === 1 ? 'once' : `${attempts} times`}\n` +
    (finished === 0 ? '' : `  Finished ${time(finished)}\n`) +
    (next_attempt === 0 ? '' : `  Tried again ${time(next_attempt)}\n`) +
    (answer.length === 0 ? '' : `  Its last answer: ${answer.join(' ')}\n`) +
    started +
    (rows.length === 0 ? '' : `\n${colours.bold('Headers')}\n${renderTable([], rows, colours)}`)
  );
}

function nameOf({ namespace_id, pipeline_id, run_id }: NonNullable<Delivery['runs']>[number]): string {
  return `${namespace_id}/${pipeline_id}#${run_id}`;
}
