import { describe, expect, test } from 'vitest';
import {
  ACTIONS,
  type OperationId,
  PATH_PARAMETERS,
  RESOURCE_TARGETS,
  RESOURCES,
  ROUTES,
  type RouteDefinition,
  TAGS,
  toApiRequest,
} from './index.ts';

const routes = Object.entries(ROUTES) as [OperationId, RouteDefinition][];
const names = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1]));

describe('the route table', () => {
  test('has each method and path once', () => {
    expect(new Set(routes.map(([, { method, path }]) => `${method} ${path}`)).size).toBe(routes.length);
  });

  test.each(routes)('%s has a permission that can be checked', (_, { path, permission }) => {
    const { action, resources } = typeof permission === 'object' ? permission : { action: 'read', resources: [] };
    expect(ACTIONS).toContain(action);
    expect(RESOURCES).toEqual(expect.arrayContaining([...resources]));
    // What a path names must be part of the permission: else a role that is limited to one namespace would reach into another.
    // A subscription is its pipeline's, whoever it names: who may not read an extension may still be subscribed to it.
    const isSubscription = names(path).includes('subscription_id');
    const targets = Object.entries(RESOURCE_TARGETS).filter(
      ([resource, parameter]) => names(path).includes(parameter) && !(isSubscription && resource === 'extensions'),
    );
    expect(typeof permission === 'object' ? resources : targets.map(([resource]) => resource)).toEqual(
      expect.arrayContaining(targets.map(([resource]) => resource)),
    );
  });

  test.each(routes)('%s is whole', (_, route) => {
    expect(Object.keys(PATH_PARAMETERS)).toEqual(expect.arrayContaining(names(route.path)));
    expect(TAGS).toContain(route.tag);
    expect(route.response === undefined).toBe(!['json', 'upload'].includes(route.kind) || route.status === 204);
    expect(route.kind !== 'upload' || (route.method === 'POST' && route.body === undefined)).toBe(true);
    expect(route.status === 101).toBe(route.kind === 'websocket');
    expect(route.body === undefined || route.method === 'POST' || route.method === 'PATCH').toBe(true);
    expect(route.path).not.toMatch(/\/\/|\/$/);
  });
});

describe('a request', () => {
  test('has its path and query encoded, and only what is there', () => {
    const request = toApiRequest('start_run', {
      path: { namespace_id: 'a/b', pipeline_id: 'ö %' },
      query: { wait: undefined },
      headers: { 'idempotency-key': 'once' },
      body: { variables: { a: '1' } },
    });
    expect(request).toEqual({
      method: 'POST',
      target: '/api/namespaces/a%2Fb/pipelines/%C3%B6%20%25/runs',
      headers: { 'gofer-api-version': 'v0', accept: 'application/json', 'idempotency-key': 'once', 'content-type': 'application/json' },
      body: '{"variables":{"a":"1"}}',
    });
    expect(toApiRequest('stream_events', { query: { history: true, after: 'a&b' } }).target).toBe('/api/events?history=true&after=a%26b');
    const task = { namespace_id: 'a', pipeline_id: 'b', run_id: 1, task_id: 'c' };
    expect(toApiRequest('attach_task_execution', { path: task, query: { command: ['ls', '-l', 'a b'] } }).target).toMatch(
      /\/attach\?command=ls&command=-l&command=a\+b$/,
    );
    expect(toApiRequest('get_system_metadata')).not.toHaveProperty('body');
  });

  test('without a path parameter is refused before it is sent', () => {
    expect(() => toApiRequest('get_namespace', { path: { namespace_id: '' } })).toThrow(
      'get_namespace needs the path parameter namespace_id',
    );
  });
});
