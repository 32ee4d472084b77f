/** What a run is told of the event that started it. A field that the event lacks is an empty variable: there is always the whole set. */
import { asLiteral } from '@gofer/sdk/extension';
import { textAt } from './json-path.ts';

export type GithubEvent = 'pull_request' | 'push' | 'release';

const PREFIX = 'GOFER_EXTENSION_GITHUB';
/** Far more than GitHub allows of a name, and far less than an environment can carry. */
const MAX_CHARACTERS = 16_384;

/** Where each variable is found; documented names and places. */
const PATHS: Readonly<Record<GithubEvent, Readonly<Record<string, readonly string[]>>>> = {
  pull_request: {
    PULLREQUEST_HEAD_REF: ['pull_request', 'head', 'ref'],
    PULLREQUEST_BRANCH: ['pull_request', 'head', 'ref'],
    PULLREQUEST_HEAD_SHA: ['pull_request', 'head', 'sha'],
    PULLREQUEST_AUTHOR_USERNAME: ['pull_request', 'user', 'login'],
    PULLREQUEST_AUTHOR_EMAIL: ['pull_request', 'user', 'email'],
    PULLREQUEST_AUTHOR_NAME: ['pull_request', 'user', 'name'],
  },
  push: {
    REF: ['ref'],
    HEAD_COMMIT_ID: ['head_commit', 'id'],
    HEAD_COMMIT_AUTHOR_NAME: ['head_commit', 'author', 'name'],
    HEAD_COMMIT_AUTHOR_EMAIL: ['head_commit', 'author', 'email'],
    HEAD_COMMIT_AUTHOR_USERNAME: ['head_commit', 'author', 'username'],
    HEAD_COMMIT_COMMITTER_NAME: ['head_commit', 'committer', 'name'],
    HEAD_COMMIT_COMMITTER_EMAIL: ['head_commit', 'committer', 'email'],
    HEAD_COMMIT_COMMITTER_USERNAME: ['head_commit', 'committer', 'username'],
  },
  release: {
    RELEASE_TAG_NAME: ['release', 'tag_name'],
    RELEASE_TARGET_COMMITISH: ['release', 'target_commitish'],
    RELEASE_AUTHOR_LOGIN: ['release', 'author', 'login'],
    RELEASE_CREATED_AT: ['release', 'created_at'],
    RELEASE_PUBLISHED_AT: ['release', 'published_at'],
  },
};

export function isGithubEvent(name: string): name is GithubEvent {
  return Object.hasOwn(PATHS, name);
}

/** The names of an event's variables, for the documentation. */
export function variableNames(event: GithubEvent): readonly string[] {
  return ['EVENT', 'ACTION', 'REPOSITORY', ...Object.keys(PATHS[event])].map((name) => `${PREFIX}_${name}`);
}

export function toRunVariables(event: GithubEvent, payload: unknown): Readonly<Record<string, string>> {
  const values: Record<string, string> = {
    EVENT: event,
    ACTION: textAt(payload, 'action'),
    REPOSITORY: textAt(payload, 'repository', 'full_name'),
  };
  for (const [name, path] of Object.entries(PATHS[event])) values[name] = textAt(payload, ...path);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${PREFIX}_${name}`, asLiteral(value.slice(0, MAX_CHARACTERS))]),
  );
}
