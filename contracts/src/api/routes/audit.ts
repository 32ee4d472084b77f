import * as Type from 'typebox';
import { ListAuditResponse } from '../identity.ts';
import type { RouteDefinition } from '../route.ts';

const Time = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: `${description}, epoch milliseconds` }));
const Name = (description: string) => Type.Optional(Type.String({ maxLength: 256, description }));

export const AUDIT_ROUTES = {
  list_audit: {
    method: 'GET',
    path: '/api/audit',
    kind: 'json',
    tag: 'Audit',
    summary: 'Who did what, newest first',
    permission: 'admin',
    query: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'At most so many' }),
      before: Type.Optional(
        Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Only entries with a smaller id: the next page' }),
      ),
      since: Time('Only entries from then on'),
      until: Time('Only entries before then'),
      user: Name('Only of this user'),
      token_id: Name('Only with this token'),
      operation: Name('Only this operation, such as `start_run`'),
      result: Name('Only with this result: `success`, `failure` (all others), or an error code'),
      namespace_id: Name('Only in this namespace'),
      pipeline_id: Name('Only on this pipeline'),
    }),
    status: 200,
    response: ListAuditResponse,
  },
} as const satisfies Record<string, RouteDefinition>;
