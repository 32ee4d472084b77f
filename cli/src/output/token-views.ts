import type { Token } from '@gofer/contracts/api';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

export function renderTokens(tokens: readonly Token[], presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const rows = tokens.map((token) => [
    token.id,
    token.user,
    token.roles.join(', '),
    formatTime(token.created, { now, exact: detail, unset: '-' }),
    formatTime(token.expires, { now, exact: detail }),
    renderLastUse(token, presentation),
    { painted: paintStatus(stateOf(token, now), colours) },
  ]);
  return renderTable(['ID', 'USER', 'ROLES', 'CREATED', 'EXPIRES', 'LAST USED', 'STATE'], rows, colours);
}

export function renderToken(token: Token, presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const metadata = Object.entries(token.metadata).map(([key, value]) => `${key}=${value}`);
  const facts: [string, string][] = [
    ['User', token.user],
    ['Roles', describeRoles(token)],
    ['Created', formatTime(token.created, { now, exact: detail, unset: '-' })],
    ['Expires', formatTime(token.expires, { now, exact: detail })],
    ['Last used', renderLastUse(token, presentation)],
    ...metadata.map((pair, index): [string, string] => [index === 0 ? 'Metadata' : '', pair]),
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return (
    `${colours.bold(`Token ${toSafeLine(token.id)}`)} :: ${paintStatus(stateOf(token, now), colours)}\n\n` +
    facts.map(([label, value]) => `  ${label.padEnd(width)}  ${toSafeLine(value)}`.trimEnd() + '\n').join('')
  );
}

export function describeRoles({ roles }: Pick<Token, 'roles'>): string {
  return roles.length === 0 ? 'none' : roles.join(', ');
}

/** As the server judges it, by this machine's clock. */
function stateOf({ disabled, expires }: Token, now: number): 'active' | 'disabled' | 'expired' {
  if (disabled) return 'disabled';
  return expires !== 0 && now > expires ? 'expired' : 'active';
}

function renderLastUse({ last_used }: Token, { detail, now }: Presentation): string {
  return last_used === undefined ? '-' : formatTime(last_used, { now, exact: detail, unset: 'not yet' });
}
