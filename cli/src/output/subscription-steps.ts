import type { AppliedStep } from '../up/apply-subscriptions.ts';
import { nameOf, type SubscriptionStep } from '../up/subscription-plan.ts';
import type { Colours } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { formatSetting } from './subscription-views.ts';

type Settings = Readonly<Record<string, string>>;

/** What is about to be done, a line each; empty where there is nothing. */
export function renderPlan(steps: readonly SubscriptionStep[], colours: Colours): string {
  return steps.length === 0 ? '' : `${colours.bold('Subscriptions')}\n${steps.map((step) => renderPlannedStep(step, colours)).join('')}`;
}

/** `+ cron/nightly expression="0 3 * * * *"`. */
function renderPlannedStep(step: SubscriptionStep, colours: Colours): string {
  switch (step.action) {
    case 'create':
      return `  ${colours.green('+')} ${nameOfStep(step)} ${listSettings(step.wanted.settings)}`.trimEnd() + '\n';
    case 'delete':
      return `  ${colours.red('-')} ${nameOfStep(step)} ${listSettings(step.before.settings)}`.trimEnd() + '\n';
    case 'update': {
      const changes = step.changesSettings ? ` ${listChanges(step.before.settings, step.wanted.settings)}` : '';
      const adopted = step.adopts ? colours.dim(' (made by hand; from now on kept by the code)') : '';
      return `  ${colours.yellow('~')} ${nameOfStep(step)}${changes}${adopted}\n`;
    }
  }
}

const DONE = { create: 'Subscribed to', update: 'Changed', delete: 'Ended' } as const;
const NOT_DONE = { create: 'Not subscribed to', update: 'Not changed:', delete: 'Not ended:' } as const;

/** What was done, or in the server's words why it was not. */
export function renderAppliedStep({ step, error }: AppliedStep, colours: Colours): string {
  if (error === undefined) return `${colours.green('✓')} ${DONE[step.action]} ${nameOfStep(step)}\n`;
  const details = error.details
    .filter(({ message }) => !error.message.includes(message))
    .map(({ path, message }) => `  ${colours.yellow(toSafeText(path))}: ${toSafeText(message)}\n`);
  return `${colours.red('x')} ${NOT_DONE[step.action]} ${nameOfStep(step)}: ${toSafeText(error.message)}\n${details.join('')}`;
}

/** For programs. */
export function toStepJson({ step, error }: AppliedStep): Record<string, unknown> {
  const { extension_id, subscription_id, settings } = step.action === 'delete' ? step.before : step.wanted;
  const failure = error === undefined ? {} : { error: { error_code: error.code, message: error.message } };
  return { action: step.action, extension_id, subscription_id, settings, ...failure };
}

function nameOfStep(step: SubscriptionStep): string {
  return toSafeLine(nameOf(step.action === 'create' ? step.wanted : step.before));
}

function listSettings(settings: Settings): string {
  return Object.entries(settings)
    .map(([key, value]) => `${toSafeLine(key)}=${formatSetting(key, value)}`)
    .join(' ');
}

function listChanges(before: Settings, after: Settings): string {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]);
  const one = (settings: Settings, key: string) => (Object.hasOwn(settings, key) ? formatSetting(key, settings[key] ?? '') : 'unset');
  return keys.map((key) => `${toSafeLine(key)}: ${one(before, key)} → ${one(after, key)}`).join(', ');
}
