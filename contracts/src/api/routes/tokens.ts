import {
  CreateSessionResponse,
  CreateTokenRequest,
  CreateTokenResponse,
  GetTokenResponse,
  ListTokensResponse,
  UpdateTokenRequest,
  WhoAmIResponse,
} from '../identity.ts';
import type { RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const TOKENS = '/api/tokens';

// The literal paths stand before the one with a parameter, which would take them too.
export const TOKEN_ROUTES = {
  create_bootstrap_token: {
    method: 'POST',
    path: `${TOKENS}/bootstrap`,
    kind: 'json',
    tag: 'Tokens',
    summary: 'Create the first token',
    description: 'Once for each database, to whoever asks first; 409 afterwards. The token may do everything and never expires.',
    permission: 'none',
    expensive: true,
    status: 201,
    response: CreateTokenResponse,
  },
  whoami: {
    method: 'GET',
    path: `${TOKENS}/whoami`,
    kind: 'json',
    tag: 'Tokens',
    summary: 'The token that the request carries',
    permission: 'token',
    status: 200,
    response: WhoAmIResponse,
  },
  list_tokens: {
    method: 'GET',
    path: TOKENS,
    kind: 'json',
    tag: 'Tokens',
    summary: 'List the tokens, without their secrets',
    permission: 'admin',
    query: PageQuery,
    status: 200,
    response: ListTokensResponse,
  },
  create_token: {
    method: 'POST',
    path: TOKENS,
    kind: 'json',
    tag: 'Tokens',
    summary: 'Create a token',
    description: 'Every role must exist, and nothing is given that the caller does not hold.',
    permission: 'admin',
    body: CreateTokenRequest,
    audit: { body: ['user', 'roles', 'expires'] },
    status: 201,
    response: CreateTokenResponse,
  },
  get_token_by_id: {
    method: 'GET',
    path: `${TOKENS}/{id}`,
    kind: 'json',
    tag: 'Tokens',
    summary: 'Get a token, without its secret',
    permission: { action: 'read', resources: ['tokens'] },
    status: 200,
    response: GetTokenResponse,
  },
  update_token: {
    method: 'PATCH',
    path: `${TOKENS}/{id}`,
    kind: 'json',
    tag: 'Tokens',
    summary: 'Enable or disable a token',
    description: "Absent or null changes nothing. The caller's own token cannot be disabled: 409.",
    permission: 'admin',
    body: UpdateTokenRequest,
    audit: { body: ['disabled'] },
    status: 204,
  },
  delete_token: {
    method: 'DELETE',
    path: `${TOKENS}/{id}`,
    kind: 'json',
    tag: 'Tokens',
    summary: 'Delete a token',
    description: "Succeeds where there is none. The caller's own token is refused with 409.",
    permission: 'admin',
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;

export const SESSION_ROUTES = {
  create_session: {
    method: 'POST',
    path: '/api/sessions',
    kind: 'json',
    tag: 'Tokens',
    summary: 'Begin a session of a browser',
    description:
      'Answers with a cookie that stands for the token of the request: HttpOnly, SameSite=Strict, and Secure over TLS. It ends with `server.session_lifetime`, with `delete_session`, and with its token.',
    permission: 'token',
    status: 201,
    response: CreateSessionResponse,
  },
  delete_session: {
    method: 'DELETE',
    path: '/api/sessions',
    kind: 'json',
    tag: 'Tokens',
    summary: 'End the session of the request, if it has one',
    permission: 'token',
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
