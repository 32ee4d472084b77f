import type { AnswerOf, Secret } from '@gofer/contracts/api';
import type { Presentation } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderPipelineSecrets(secrets: readonly Secret[], { colours, detail, now }: Presentation): string {
  const rows = secrets.map(({ key, created }) => [key, formatTime(created, { now, exact: detail })]);
  return renderTable(['KEY', 'CREATED'], rows, colours);
}

export function renderGlobalSecrets(secrets: readonly Secret[], { colours, detail, now }: Presentation): string {
  const rows = secrets.map(({ key, namespaces, created }) => [key, namespaces.join(', '), formatTime(created, { now, exact: detail })]);
  return renderTable(['KEY', 'NAMESPACES', 'CREATED'], rows, colours);
}

/** `secret` is null where it was not asked for. */
export function renderSecret(
  { metadata, secret }: AnswerOf<'get_pipeline_secret'>,
  { colours, detail, now }: Presentation,
  options: { namespaces: boolean },
): string {
  const allowed = options.namespaces ? ['  Allowed Namespaces:', ...metadata.namespaces.map((each) => `    - ${toSafeLine(each)}`)] : [];
  return [
    `  Key: ${toSafeLine(metadata.key)}`,
    `  Secret: ${secret === null ? colours.dim('[Redacted]') : toSafeText(secret)}`,
    ...allowed,
    '',
    `  Created ${formatTime(metadata.created, { now, exact: detail })}`,
    '',
  ].join('\n');
}
