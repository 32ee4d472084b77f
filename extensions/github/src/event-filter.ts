/** Which of GitHub's events a subscription is about: `<event>[/<action>,<action>…]`. */
import { Refusal } from '@gofer/sdk/extension';

const PULL_REQUEST_ACTIONS = [
  'assigned',
  'auto_merge_disabled',
  'auto_merge_enabled',
  'closed',
  'converted_to_draft',
  'demilestoned',
  'dequeued',
  'edited',
  'enqueued',
  'labeled',
  'locked',
  'milestoned',
  'opened',
  'ready_for_review',
  'reopened',
  'review_request_removed',
  'review_requested',
  'synchronize',
  'unassigned',
  'unlabeled',
  'unlocked',
] as const;

/** The events that are supported, with GitHub's actions of each (https://docs.github.com/webhooks/webhook-events-and-payloads). */
export const EVENT_ACTIONS = {
  pull_request: PULL_REQUEST_ACTIONS,
  /** Ours: GitHub sends `pull_request`. */
  pull_request_with_check: PULL_REQUEST_ACTIONS,
  push: [],
  release: ['created', 'deleted', 'edited', 'prereleased', 'published', 'released', 'unpublished'],
} as const satisfies Record<string, readonly string[]>;
export type EventName = keyof typeof EVENT_ACTIONS;

export interface EventFilter {
  readonly event: EventName;
  /** Lower case; empty: any. */
  readonly actions: readonly string[];
}

/** Throws a `Refusal` that says what there is instead. */
export function parseEventFilter(text: string): EventFilter {
  const [name = '', ...rest] = text.trim().split('/');
  const event = name.trim().toLowerCase();
  if (!isEventName(event)) {
    const events = Object.keys(EVENT_ACTIONS).join(', ');
    throw new Refusal(`event_filter: ${JSON.stringify(name.slice(0, 100))} is not an event that is supported; these are: ${events}.`);
  }
  if (rest.length === 0) return { event, actions: [] };
  const known: readonly string[] = EVENT_ACTIONS[event];
  if (known.length === 0) throw new Refusal(`event_filter: ${event} has no actions; write just ${event}.`);
  const actions = [
    ...new Set(
      rest
        .join('/')
        .split(',')
        .map((action) => action.trim().toLowerCase()),
    ),
  ];
  const unknown = actions.filter((action) => !known.includes(action));
  if (unknown.length > 0) {
    const named = unknown.map((action) => JSON.stringify(action.slice(0, 100))).join(', ');
    throw new Refusal(`event_filter: ${event} has no action ${named}; its actions are: ${known.join(', ')}.`);
  }
  return { event, actions };
}

/** Whether an event that GitHub names so is one that the filter is about. */
export function matchesFilter(filter: EventFilter, githubEvent: string, action: string): boolean {
  const event = filter.event === 'pull_request_with_check' ? 'pull_request' : filter.event;
  return event === githubEvent && (filter.actions.length === 0 || filter.actions.includes(action.toLowerCase()));
}

function isEventName(text: string): text is EventName {
  return Object.hasOwn(EVENT_ACTIONS, text);
}
