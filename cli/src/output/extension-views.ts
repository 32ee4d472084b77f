import { closestName } from '@gofer/config';
import type { Extension, Parameter, Subscription } from '@gofer/contracts/api';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatTime } from './times.ts';

const LONGEST_ERROR = 60;
/** Where details are not asked for. */
const MOST_SUBSCRIBERS = 20;

/** "disabled" where that is why it does not run. */
export function stateOf({ registration, state }: Extension): string {
  return registration.status === 'disabled' && state !== 'running' && state !== 'processing' ? 'disabled' : state;
}

export function renderExtensions(extensions: readonly Extension[], { colours, detail, now }: Presentation): string {
  if (extensions.length === 0) return `No extensions are installed. Install one with: ${colours.cyan('gofer extension install cron')}\n`;
  const rows = extensions.map((extension) => {
    const { registration, health, restarts, started, last_error } = extension;
    const error = toSafeLine(last_error?.message ?? '');
    return [
      registration.extension_id,
      registration.image,
      { painted: paintStatus(stateOf(extension), colours) },
      { painted: paintStatus(health ?? '-', colours) },
      restarts ?? '-',
      started === 0 && stateOf(extension) === 'disabled' ? '-' : formatTime(started, { now, exact: detail }),
      detail || error.length <= LONGEST_ERROR ? error : `${error.slice(0, LONGEST_ERROR)}…`,
    ];
  });
  return renderTable(['ID', 'IMAGE', 'STATE', 'HEALTH', 'RESTARTS', 'STARTED', 'LAST ERROR'], rows, colours);
}

export interface ExtensionSurroundings {
  /** What one that does not run wrote last; empty where that is not known. */
  readonly said: readonly string[];
  /** Those of all namespaces. */
  readonly subscriptions: readonly Subscription[];
}

export function renderExtension(extension: Extension, { said, subscriptions }: ExtensionSurroundings, presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const { registration, documentation } = extension;
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const blocks = [
    `${colours.bold(toSafeLine(`[${registration.extension_id}]`))} ${toSafeLine(registration.image)} :: ${paintStatus(stateOf(extension), colours)}\n`,
    factsOf(extension, presentation)
      .map(([label, value]) => `  ${colours.bold(label.padEnd(12))}  ${value}\n`)
      .join('') + renderSaid(extension, said, presentation),
    `${colours.bold('Config Params')}\n${renderConfigParams(extension, presentation)}`,
    `${colours.bold('Pipeline Params')}\n${renderParams(extension, presentation)}`,
    `${colours.bold('Subscriptions')}\n${renderSubscribers(subscriptions, presentation)}`,
  ];
  const info = documentation.body.trim();
  if (info !== '') blocks.push(`${colours.bold('Info')}\n  ${toSafeText(info).replaceAll('\n', '\n  ')}\n`);
  blocks.push(`${colours.dim(`Installed ${time(registration.created)} · Changed ${time(registration.modified)}`)}\n`);
  return blocks.join('\n');
}

function renderSubscribers(subscriptions: readonly Subscription[], { colours, detail }: Presentation): string {
  if (subscriptions.length === 0) return '  None\n';
  const shown = detail ? subscriptions : subscriptions.slice(0, MOST_SUBSCRIBERS);
  const rows = shown.map(({ namespace_id, pipeline_id, subscription_id, status }) => [
    { painted: `  ⟳ ${toSafeLine(`${namespace_id}/${pipeline_id}`)}` },
    { painted: colours.cyan(toSafeLine(subscription_id)) },
    { painted: paintStatus(status, colours) },
  ]);
  const more = subscriptions.length - shown.length;
  return renderTable([], rows, colours) + (more === 0 ? '' : colours.dim(`  and ${more} more: --detail shows all\n`));
}

function factsOf(extension: Extension, { colours, detail, now }: Presentation): [label: string, value: string][] {
  const { registration, state_reason, health, restarts, next_start, last_error } = extension;
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const isToldOnce = state_reason === undefined || state_reason === '' || state_reason === last_error?.message;
  return [
    ...(extension.started === 0 && stateOf(extension) === 'disabled' ? [] : [['Started', time(extension.started)] as [string, string]]),
    ...(isToldOnce ? [] : [['Why', toSafeLine(state_reason)] as [string, string]]),
    ...(health === undefined ? [] : [['Health', paintStatus(health, colours)] as [string, string]]),
    ...(restarts === undefined ? [] : [['Restarts', String(restarts)] as [string, string]]),
    ...(last_error === undefined
      ? []
      : [['Last error', `${toSafeLine(last_error.message)} ${colours.dim(`(${time(last_error.at)})`)}`] as [string, string]]),
    ...(next_start === undefined || next_start === 0 ? [] : [['Next start', time(next_start)] as [string, string]]),
    ['Endpoint', extension.url === '' ? 'none: it does not run' : toSafeLine(extension.url)],
    ...(extension.engine === undefined ? [] : [['Run by', toSafeLine(extension.engine)] as [string, string]]),
    ...(registration.registry_auth === null ? [] : [['Registry', `as ${toSafeLine(registration.registry_auth.user)}`] as [string, string]]),
    ...(registration.additional_roles.length === 0
      ? []
      : [['Roles', toSafeLine(registration.additional_roles.join(', '))] as [string, string]]),
  ];
}

/** What it takes is known from the first time that it runs on. */
function hasDocumented({ state, documentation: { config_params, pipeline_subscription_params, body } }: Extension): boolean {
  return state === 'running' || config_params.length > 0 || pipeline_subscription_params.length > 0 || body !== '';
}

function noParams(extension: Extension): string {
  return hasDocumented(extension) ? '  None\n' : '  Not known: it tells them when it runs, and it has not run yet\n';
}

function undocumentedSettings({ registration, documentation }: Extension): Extension['registration']['settings'] {
  const documented = new Set(documentation.config_params.map(({ key }) => key.toUpperCase()));
  return registration.settings.filter(({ key }) => !documented.has(key.toUpperCase()));
}

/** With what is set; what is set and not documented at the end. */
function renderConfigParams(extension: Extension, presentation: Presentation): string {
  const { colours } = presentation;
  const { registration, documentation } = extension;
  const values = new Map(registration.settings.map(({ key, value }) => [key.toUpperCase(), value]));
  const others = undocumentedSettings(extension);
  const remark = hasDocumented(extension) ? ` :: ${colours.dim('not documented')}` : '';
  const setTo = (value: string) => (value === '[redacted]' ? 'set' : `set to ${toSafeLine(value)}`);
  const lines = [
    ...documentation.config_params.map((parameter) => {
      const value = values.get(parameter.key.toUpperCase());
      return renderParam(parameter, value === undefined ? colours.dim('not set') : colours.green(setTo(value)), presentation);
    }),
    ...others.map(({ key, value }) => `  • ${toSafeLine(key)} :: ${colours.green(setTo(value))}${remark}\n`),
  ];
  if (lines.length === 0 || !hasDocumented(extension)) lines.unshift(noParams(extension));
  return lines.join('');
}

function renderParams(extension: Extension, presentation: Presentation): string {
  const parameters = extension.documentation.pipeline_subscription_params;
  if (parameters.length === 0) return noParams(extension);
  return parameters.map((parameter) => renderParam(parameter, undefined, presentation)).join('');
}

function renderParam({ key, required, documentation }: Parameter, value: string | undefined, { colours }: Presentation): string {
  const parts = [
    colours.cyan(toSafeLine(key)),
    required ? colours.yellow('Required') : 'Optional',
    ...(value === undefined ? [] : [value]),
    toSafeText(documentation.trim()).replaceAll('\n', '\n    '),
  ];
  return `  • ${parts.filter((part) => part !== '').join(' :: ')}\n`;
}

/** What was done, and where it does not run yet, why, and how to look. */
export function renderDoneWithExtension(
  done: string,
  extension: Extension,
  /** What it wrote last; empty where that is not known. */
  said: readonly string[],
  presentation: Presentation,
): string {
  const { colours } = presentation;
  const id = toSafeLine(extension.registration.extension_id);
  const hint = (purpose: string, command: string) => `  ${purpose}: ${colours.cyan(command)}\n`;
  if (extension.state === 'running') {
    return (
      `${colours.green('✓')} ${done}; it runs\n` +
      renderUnknownSettings(extension, presentation) +
      hint('See what it takes', `gofer extension get ${id}`) +
      hint('Subscribe a pipeline', `gofer pipeline subscribe PIPELINE ${id} LABEL${exampleSettings(extension)}`)
    );
  }
  return `${colours.green('✓')} ${done}\n${renderNotRunning(extension, said, presentation)}${hint('See how it stands', `gofer extension get ${id}`)}${hint('Read its log', `gofer extension logs ${id}`)}`;
}

/** It may read them all the same, as another name of one that it documents; mostly they are mistyped. */
function renderUnknownSettings(extension: Extension, { colours }: Presentation): string {
  const known = extension.documentation.config_params.map(({ key }) => key);
  if (known.length === 0) return '';
  const lines = undocumentedSettings(extension).map(({ key }) => {
    const meant = closestName(key, known);
    return `${colours.yellow('!')} ${toSafeLine(key)} is set, and is no setting that it documents${meant === undefined ? '' : `; did you mean ${toSafeLine(meant)}?`}\n`;
  });
  return lines.join('');
}

function exampleSettings({ documentation }: Extension): string {
  const required = documentation.pipeline_subscription_params.filter((parameter) => parameter.required);
  return required.map(({ key }) => ` -s ${toSafeLine(key)}=…`).join('');
}

function renderNotRunning(extension: Extension, said: readonly string[], presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const { registration, state_reason = '', last_error, next_start = 0 } = extension;
  if (registration.status === 'disabled') return `${colours.yellow('!')} It does not run: it is disabled\n`;
  const reason = toSafeLine(state_reason === '' ? (last_error?.message ?? 'it is still being started') : state_reason);
  const error = last_error === undefined || reason.includes(toSafeLine(last_error.message)) ? '' : `  ${toSafeLine(last_error.message)}\n`;
  const when = next_start - now < 1_000 ? 'at once' : formatTime(next_start, { now, exact: detail });
  const next = next_start === 0 ? '' : `  It is started again ${when}.\n`;
  return `${colours.yellow('!')} It does not run yet: ${reason}\n${error}${renderSaid(extension, said, presentation)}${next}`;
}

/** Without what only repeats, as the server notes it in the log, why it does not run. */
function renderSaid({ state_reason, last_error }: Extension, said: readonly string[], { colours }: Presentation): string {
  const reasons = [state_reason, last_error?.message];
  const told = new Set(reasons.flatMap((why) => [`started again: ${why}`, `it could not be started: ${why}`]));
  const words = said.filter((line) => !told.has(line));
  return words.map((line) => `  ${colours.dim('│')} ${toSafeLine(line)}\n`).join('');
}
