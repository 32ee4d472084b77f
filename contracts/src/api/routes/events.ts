import * as Type from 'typebox';
import { GetEventResponse } from '../messages.ts';
import { Event } from '../resources.ts';
import type { RouteDefinition } from '../route.ts';

export const EVENT_ROUTES = {
  stream_events: {
    method: 'GET',
    path: '/api/events',
    kind: 'websocket',
    tag: 'Events',
    summary: 'Follow events',
    description:
      'A WebSocket: one Text frame an event, as JSON. With `history` everything stored comes first, each event once and in order; with `history` and `reverse` what is stored comes newest first and the socket closes with 1000.',
    permission: { action: 'read', resources: ['events'] },
    query: Type.Object({
      history: Type.Boolean({
        default: false,
        description: 'Begin with what is stored',
      }),
      reverse: Type.Boolean({
        default: false,
        description: 'With `history`: newest first, then end',
      }),
      after: Type.Optional(
        Type.String({
          maxLength: 64,
          description: 'Resume behind the event with this id',
        }),
      ),
      kind: Type.Optional(
        Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64, description: 'Only events of these kinds; one a parameter' }),
      ),
      since: Type.Optional(
        Type.Integer({ minimum: 0, description: 'With `history`: begin with the first that happened then or later (epoch milliseconds)' }),
      ),
    }),
    frames: Event,
    status: 101,
  },
  get_event: {
    method: 'GET',
    path: '/api/events/{event_id}',
    kind: 'json',
    tag: 'Events',
    summary: 'Get an event',
    permission: { action: 'read', resources: ['events'] },
    status: 200,
    response: GetEventResponse,
  },
  delete_event: {
    method: 'DELETE',
    path: '/api/events/{event_id}',
    kind: 'json',
    tag: 'Events',
    summary: 'Delete a stored event',
    permission: 'admin',
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
