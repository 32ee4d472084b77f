/** With the payloads that GitHub has really sent (`@octokit/webhooks-examples`): what a run is told is looked up by hand here. */

import { createRequire } from 'node:module';
import type { WebhookDefinition } from '@octokit/webhooks-examples';
import { describe, expect, test } from 'vitest';
import { EVENT_ACTIONS } from './event-filter.ts';
import { signedEvent, startGithub } from './signed-event.fixture.ts';

type Name = 'pull_request' | 'push' | 'release';
type Payload<EventName extends Name> = WebhookDefinition<EventName>['examples'][number];
type PullRequestEvent = Payload<'pull_request'>;
type PushEvent = Payload<'push'>;
type ReleaseEvent = Payload<'release'>;

const definitions = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly WebhookDefinition[];
const isOf =
  <EventName extends Name>(name: EventName) =>
  (definition: WebhookDefinition): definition is WebhookDefinition<EventName> =>
    definition.name === name;
const examplesOf = <EventName extends Name>(name: EventName): readonly Payload<EventName>[] => definitions.find(isOf(name))?.examples ?? [];

const P = 'GOFER_EXTENSION_GITHUB_';

const pullRequestVariables = (payload: PullRequestEvent) => ({
  [`${P}EVENT`]: 'pull_request',
  [`${P}ACTION`]: payload.action,
  [`${P}REPOSITORY`]: payload.repository.full_name,
  [`${P}PULLREQUEST_HEAD_REF`]: payload.pull_request.head.ref,
  [`${P}PULLREQUEST_BRANCH`]: payload.pull_request.head.ref,
  [`${P}PULLREQUEST_HEAD_SHA`]: payload.pull_request.head.sha,
  [`${P}PULLREQUEST_AUTHOR_USERNAME`]: payload.pull_request.user.login,
  [`${P}PULLREQUEST_AUTHOR_EMAIL`]: payload.pull_request.user.email ?? '',
  [`${P}PULLREQUEST_AUTHOR_NAME`]: payload.pull_request.user.name ?? '',
});

const pushVariables = (payload: PushEvent) => ({
  [`${P}EVENT`]: 'push',
  [`${P}ACTION`]: '',
  [`${P}REPOSITORY`]: payload.repository.full_name,
  [`${P}REF`]: payload.ref,
  [`${P}HEAD_COMMIT_ID`]: payload.head_commit?.id ?? '',
  [`${P}HEAD_COMMIT_AUTHOR_NAME`]: payload.head_commit?.author.name ?? '',
  [`${P}HEAD_COMMIT_AUTHOR_EMAIL`]: payload.head_commit?.author.email ?? '',
  [`${P}HEAD_COMMIT_AUTHOR_USERNAME`]: payload.head_commit?.author.username ?? '',
  [`${P}HEAD_COMMIT_COMMITTER_NAME`]: payload.head_commit?.committer.name ?? '',
  [`${P}HEAD_COMMIT_COMMITTER_EMAIL`]: payload.head_commit?.committer.email ?? '',
  [`${P}HEAD_COMMIT_COMMITTER_USERNAME`]: payload.head_commit?.committer.username ?? '',
});

const releaseVariables = (payload: ReleaseEvent) => ({
  [`${P}EVENT`]: 'release',
  [`${P}ACTION`]: payload.action,
  [`${P}REPOSITORY`]: payload.repository.full_name,
  [`${P}RELEASE_TAG_NAME`]: payload.release.tag_name,
  [`${P}RELEASE_TARGET_COMMITISH`]: payload.release.target_commitish,
  [`${P}RELEASE_AUTHOR_LOGIN`]: payload.release.author.login,
  [`${P}RELEASE_CREATED_AT`]: payload.release.created_at ?? '',
  [`${P}RELEASE_PUBLISHED_AT`]: payload.release.published_at ?? '',
});

/** Some examples are there twice: one signed body is one event. */
const distinct = <Event>(events: readonly Event[]): readonly Event[] => [
  ...new Map(events.map((event) => [JSON.stringify(event), event])).values(),
];

async function variablesOf(event: string, payload: { readonly repository: { readonly full_name: string } }, filter: string) {
  const { kit, subscribe } = await startGithub();
  await subscribe('all', payload.repository.full_name.toUpperCase(), filter);
  expect(await kit.externalEvent(signedEvent(event, payload))).toEqual({ statusCode: 204 });
  return kit.runs.map(({ variables }) => variables);
}

describe('what GitHub has sent starts a run that is told of it', () => {
  const pullRequests = distinct(examplesOf('pull_request'));
  test.each(pullRequests.map((payload, index) => [payload.action, index, payload] as const))(
    'pull_request %s (%d)',
    async (action, _, payload) => {
      expect(await variablesOf('pull_request', payload, `pull_request/${action}`)).toEqual([pullRequestVariables(payload)]);
    },
  );

  const releases = distinct(examplesOf('release'));
  test.each(releases.map((payload, index) => [payload.action, index, payload] as const))('release %s (%d)', async (action, _, payload) => {
    expect(await variablesOf('release', payload, `release/${action}`)).toEqual([releaseVariables(payload)]);
  });

  const pushes = distinct(examplesOf('push'));
  test.each(pushes.map((payload, index) => [payload.ref, payload.deleted, index, payload] as const))(
    'push to %s, deleted: %s (%d)',
    async (_, isDeleted, __, payload) => {
      expect(await variablesOf('push', payload, 'push')).toEqual(isDeleted ? [] : [pushVariables(payload)]);
    },
  );

  test('and there are examples of all of that', () => {
    expect(new Set(pullRequests.map(({ action }) => action)).size).toBeGreaterThanOrEqual(14);
    expect(new Set(releases.map(({ action }) => action)).size).toBeGreaterThanOrEqual(6);
    expect(new Set(pushes.map(({ deleted }) => deleted))).toEqual(new Set([true, false]));
  });
});

test('every action that the examples know can be subscribed to', () => {
  for (const name of ['pull_request', 'release'] as const) {
    const known: readonly string[] = EVENT_ACTIONS[name];
    for (const { action } of examplesOf(name)) expect(known).toContain(action);
  }
});

test('what else GitHub sends is accepted and starts nothing', async () => {
  const { kit, subscribe } = await startGithub();
  const others = definitions.filter(({ name }) => !['pull_request', 'push', 'release'].includes(name));
  const repositories = new Set(JSON.stringify(others).match(/(?<="full_name":")[^"]+\/[^"]+/g));
  for (const [index, repository] of [...repositories].entries()) {
    for (const filter of ['pull_request', 'push', 'release']) await subscribe(`${filter}-${index}`, repository, filter);
  }
  expect(repositories.size).toBeGreaterThan(2);
  for (const { name, examples } of others) {
    const [example] = examples;
    expect([name, await kit.externalEvent(signedEvent(name, example))]).toEqual([name, { statusCode: 204 }]);
  }
  expect(others.length).toBeGreaterThan(40);
  expect(kit.runs).toEqual([]);
});
