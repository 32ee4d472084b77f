import { Refusal } from '@gofer/sdk/extension';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT_ACTIONS, matchesFilter, parseEventFilter } from './event-filter.ts';

describe('an event filter', () => {
  test.each([
    ['push', { event: 'push', actions: [] }],
    [' release ', { event: 'release', actions: [] }],
    [
      'pull_request_with_check/opened,synchronize,reopened',
      { event: 'pull_request_with_check', actions: ['opened', 'synchronize', 'reopened'] },
    ],
    ['pull_request/Opened, CLOSED,opened', { event: 'pull_request', actions: ['opened', 'closed'] }],
  ])('%j', (text, filter) => {
    expect(parseEventFilter(text)).toEqual(filter);
  });

  test.each([
    ['issues/opened', /"issues" is not an event.*pull_request, pull_request_with_check, push, release/],
    ['constructor', /is not an event/],
    ['', /is not an event/],
    ['push/created', /push has no actions/],
    ['pull_request/open', /no action "open"; its actions are: assigned, .*synchronize/],
    ['release/published,merged,x', /no action "merged", "x"/],
    ['pull_request/', /no action ""/],
    ['pull_request/opened/closed', /no action "opened\/closed"/],
  ])('%j is refused, with what there is', (text, message) => {
    expect(() => parseEventFilter(text)).toThrow(Refusal);
    expect(() => parseEventFilter(text)).toThrow(message);
  });

  test('is about its own event and its own actions', () => {
    const event = fc.constantFrom('pull_request', 'pull_request_with_check', 'push', 'release');
    const action = fc.constantFrom('opened', 'closed', 'published', 'created', '');
    fc.assert(
      fc.property(event, fc.uniqueArray(action), event, action, (filterEvent, wanted, sent, sentAction) => {
        const known: readonly string[] = EVENT_ACTIONS[filterEvent];
        const actions = wanted.filter((each) => known.includes(each));
        const filter = parseEventFilter(actions.length === 0 ? filterEvent : `${filterEvent}/${actions.join(',')}`);
        const sameEvent = sent === filterEvent.replace('_with_check', '');
        expect(matchesFilter(filter, sent, sentAction)).toBe(sameEvent && (actions.length === 0 || actions.includes(sentAction)));
      }),
    );
  });
});
