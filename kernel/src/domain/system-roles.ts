/** The roles that every server has, and that nobody changes. */
import type { RoleRecord } from './role.ts';

/** Held by the first token: may do everything. Given to no other. */
export const BOOTSTRAP_ROLE = 'bootstrap';
export const ADMIN_ROLE = 'admin';
/** What requests without a token may do where `server.anonymous_read` is on. */
export const ANONYMOUS_ROLE = 'anonymous';
/** Of the tokens that tasks are given. Each reaches its own namespace and pipeline only, whatever stands here. */
export const INJECTED_ROLE = 'inject_api_token';

const EVERYTHING = { resources: [{ resource: 'all' }], actions: ['read', 'write', 'delete'] } as const;

export const SYSTEM_ROLES: readonly RoleRecord[] = [
  { id: BOOTSTRAP_ROLE, description: 'Everything; held by the first token only', permissions: [EVERYTHING], system: true },
  { id: ADMIN_ROLE, description: 'Everything', permissions: [EVERYTHING], system: true },
  {
    id: 'user',
    description: 'Pipelines of the default namespace and everything in them',
    permissions: [
      {
        resources: [
          { resource: 'namespaces', target: '^default$' },
          { resource: 'pipelines', target: '.*' },
          { resource: 'configs' },
          { resource: 'deployments' },
          { resource: 'events' },
          { resource: 'objects' },
          { resource: 'runs' },
          { resource: 'secrets' },
          { resource: 'subscriptions' },
        ],
        actions: ['read', 'write', 'delete'],
      },
      { resources: [{ resource: 'task_executions' }], actions: ['read'] },
    ],
    system: true,
  },
  {
    id: ANONYMOUS_ROLE,
    description: 'Runs of the default namespace, where server.anonymous_read lets requests without a token read',
    permissions: [
      {
        resources: [{ resource: 'namespaces', target: '^default$' }, { resource: 'pipelines', target: '.*' }, { resource: 'runs' }],
        actions: ['read'],
      },
    ],
    system: true,
  },
  {
    id: INJECTED_ROLE,
    description: 'What a task may do with the token that it is given: in its own pipeline only',
    permissions: [
      {
        resources: [
          { resource: 'namespaces' },
          { resource: 'pipelines' },
          { resource: 'configs' },
          { resource: 'objects' },
          { resource: 'runs' },
        ],
        actions: ['read', 'write'],
      },
      // To write a task execution is to run commands in it: they could read the secrets that it was given.
      {
        resources: [{ resource: 'deployments' }, { resource: 'events' }, { resource: 'subscriptions' }, { resource: 'task_executions' }],
        actions: ['read'],
      },
    ],
    system: true,
  },
];
