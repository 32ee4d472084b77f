import { GoferError } from '@gofer/contracts';
import type { AuditQuery, AuditService, RoleService, SessionService, TokenService } from '../../services/services.ts';
import type { JsonHandlers } from '../route-request.ts';
import { toPage } from './request-paths.ts';

export type IdentityHandlers = Pick<
  JsonHandlers,
  | 'create_bootstrap_token'
  | 'whoami'
  | 'list_tokens'
  | 'create_token'
  | 'get_token_by_id'
  | 'update_token'
  | 'delete_token'
  | 'create_session'
  | 'delete_session'
  | 'list_roles'
  | 'create_role'
  | 'get_role'
  | 'update_role'
  | 'delete_role'
  | 'list_audit'
>;

export interface IdentityServices {
  readonly tokens: TokenService;
  readonly sessions: SessionService;
  readonly roles: RoleService;
  readonly audit: AuditService;
}

export function createIdentityHandlers({ tokens, sessions, roles, audit }: IdentityServices): IdentityHandlers {
  return {
    create_bootstrap_token: () => tokens.createBootstrap(),
    whoami: async ({ principal }) => ({ token: await tokens.ofPrincipal(principal) }),
    list_tokens: async ({ query }) => ({ tokens: await tokens.list(toPage(query)) }),
    create_token: ({ principal, body: { user, roles: held, expires, metadata } }) =>
      tokens.create(principal, { user, roles: held, expires, metadata: metadata ?? {} }),
    get_token_by_id: async ({ path }) => ({ token: await tokens.get(path.id) }),
    update_token: async ({ principal, path, body: { disabled } }) => {
      if (typeof disabled === 'boolean') await tokens.setDisabled(principal, path.id, disabled);
      else await tokens.get(path.id);
    },
    delete_token: ({ principal, path }) => tokens.delete(principal, path.id),

    create_session: async ({ principal, isSession, setSessionCookie }) => {
      // It would never end: whoever has got hold of a cookie could renew it for good.
      if (isSession) throw new GoferError('FAILED_PRECONDITION', 'A session is begun with a token, and not with another session.');
      const { secret, expires, seconds } = await sessions.begin(principal);
      setSessionCookie(secret, seconds);
      return { expires };
    },
    delete_session: async ({ session, setSessionCookie }) => {
      if (session !== undefined) await sessions.end(session);
      setSessionCookie(undefined, 0);
    },

    list_roles: async ({ query }) => ({ roles: await roles.list(toPage(query)) }),
    create_role: async ({ body: { id, description, permissions } }) => ({ role: await roles.create({ id, description, permissions }) }),
    get_role: async ({ path }) => ({ role: await roles.get(path.role_id) }),
    update_role: async ({ path, body: { description, permissions } }) => ({
      role: await roles.update(path.role_id, {
        ...(typeof description === 'string' ? { description } : {}),
        ...(Array.isArray(permissions) ? { permissions } : {}),
      }),
    }),
    delete_role: ({ path }) => roles.delete(path.role_id),

    list_audit: async ({ query }) => ({ entries: await audit.list(toAuditQuery(query)) }),
  };
}

type Query = Parameters<JsonHandlers['list_audit']>[0]['query'];

function toAuditQuery({ token_id, namespace_id, pipeline_id, ...same }: Query): AuditQuery {
  return {
    ...same,
    ...(token_id === undefined ? {} : { tokenId: token_id }),
    ...(namespace_id === undefined ? {} : { namespaceId: namespace_id }),
    ...(pipeline_id === undefined ? {} : { pipelineId: pipeline_id }),
  };
}
