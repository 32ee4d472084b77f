import type { Subscription } from '@gofer/contracts/api';
import { looksSecret } from '../extension/ask-settings.ts';
import { type Colours, type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

/** What a table shows of a value where details are not asked for. */
const LONGEST_LISTED_VALUE = 40;

const REFERENCE = /^\s*\w+\{\{.*\}\}\s*$/su;

/** A value as it is shown: terminals are looked at, and what is printed on them may be kept, such as by continuous integration. */
export function formatSetting(key: string, value: string, longest = Number.POSITIVE_INFINITY): string {
  if (looksSecret(key) && !REFERENCE.test(value)) return '[redacted]';
  return toSafeLine(value.length <= longest ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, longest))}…`);
}

/** `every="5m" zone="UTC"`, with references as they are written; `longest`: characters of a value that are shown. */
export function formatSettings(settings: Readonly<Record<string, string>>, longest = Number.POSITIVE_INFINITY): string {
  return Object.entries(settings)
    .map(([key, value]) => `${toSafeLine(key)}=${formatSetting(key, value, longest)}`)
    .join(' ');
}

export function renderSubscriptions(subscriptions: readonly Subscription[], { colours, detail }: Presentation, pipeline: string): string {
  if (subscriptions.length === 0) {
    return `No subscriptions yet. Make one with: ${colours.cyan(`gofer pipeline subscribe ${toSafeLine(pipeline)} EXTENSION LABEL -s KEY=VALUE`)}\n`;
  }
  const rows = subscriptions.map((subscription) => [
    subscription.extension_id,
    subscription.subscription_id,
    { painted: paintStatus(subscription.status, colours) },
    describeOrigin(subscription),
    { painted: formatSettings(subscription.settings, detail ? undefined : LONGEST_LISTED_VALUE) },
    subscription.status_reason?.description ?? '',
  ]);
  return renderTable(['EXTENSION', 'LABEL', 'STATUS', 'KEPT BY', 'SETTINGS', 'WHY'], rows, colours);
}

export function renderSubscription(subscription: Subscription, { colours, detail, now }: Presentation): string {
  const { namespace_id, pipeline_id, extension_id, subscription_id, settings, status, status_reason, created, modified } = subscription;
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const entries = Object.entries(settings).map(([key, value]) => `  • ${toSafeLine(key)} = ${formatSetting(key, value)}\n`);
  return (
    `${colours.bold(toSafeLine(`${extension_id}/${subscription_id}`))} of ${toSafeLine(`${namespace_id}/${pipeline_id}`)} :: ${paintStatus(status, colours)}\n` +
    (status_reason === null ? '' : `  ${colours.yellow(status_reason.reason)}: ${toSafeLine(status_reason.description)}\n`) +
    `\n${colours.bold('Settings')}\n${entries.length === 0 ? '  None\n' : entries.join('')}\n` +
    `${colours.dim(`Kept by ${describeOrigin(subscription)} · Made ${time(created ?? 0)} · Changed ${time(modified ?? 0)}`)}\n`
  );
}

/** The lines of a pipeline's own view: one a subscription, with its status, and why where that is not as it should be. */
export function renderPipelineSubscriptions(subscriptions: readonly Subscription[], colours: Colours): string {
  const rows = subscriptions.map(({ extension_id, subscription_id, settings, status, status_reason }) => [
    { painted: `  ⟳ ${colours.cyan(toSafeLine(subscription_id))}` },
    extension_id,
    { painted: paintStatus(status, colours) },
    { painted: status_reason === null ? formatSettings(settings) : colours.yellow(toSafeLine(status_reason.description)) },
  ]);
  return `${colours.bold('🗘 Extension Subscriptions')}\n${renderTable([], rows, colours)}`;
}

function describeOrigin({ origin }: Subscription): string {
  return origin === 'config' ? "the pipeline's code" : 'people';
}
