import { UpdateSystemPreferencesRequest, UpdateSystemPreferencesResponse } from '../messages.ts';
import { SystemMetadata, SystemPreferences } from '../resources.ts';
import type { RouteDefinition } from '../route.ts';

export const SYSTEM_ROUTES = {
  get_system_metadata: {
    method: 'GET',
    path: '/api/system/metadata',
    kind: 'json',
    tag: 'System',
    summary: "The server's version",
    permission: 'none',
    status: 200,
    response: SystemMetadata,
  },
  get_system_health: {
    method: 'GET',
    path: '/api/system/health',
    kind: 'json',
    tag: 'System',
    summary: 'Whether the server can start runs',
    description:
      '204 when it can; 503 with the reason when it cannot. For probes: asks neither for credentials nor for the version header.',
    permission: 'none',
    unversioned: true,
    unavailable: 'It cannot: the scheduler does not answer',
    status: 204,
  },
  get_system_preferences: {
    method: 'GET',
    path: '/api/system',
    kind: 'json',
    tag: 'System',
    summary: "The server's preferences",
    permission: 'admin',
    status: 200,
    response: SystemPreferences,
  },
  update_system_preferences: {
    method: 'PATCH',
    path: '/api/system',
    kind: 'json',
    tag: 'System',
    summary: "Change the server's preferences",
    permission: 'admin',
    body: UpdateSystemPreferencesRequest,
    audit: { body: ['ignore_pipeline_run_events'] },
    status: 200,
    response: UpdateSystemPreferencesResponse,
  },
} as const satisfies Record<string, RouteDefinition>;
