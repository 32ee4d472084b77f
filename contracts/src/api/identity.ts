/** Tokens, roles and the audit on the wire: v0's names and shapes, with optional additions. */
import type { Static } from 'typebox';
import * as Type from 'typebox';
import { ACTIONS, type Action, RESOURCES } from './route.ts';

const Time = (description: string) => Type.Integer({ minimum: 0, description: `${description} (epoch milliseconds)` });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export const Token = Type.Object(
  {
    id: Type.String(),
    created: Time('When it was created'),
    metadata: Type.Record(Type.String(), Type.String()),
    expires: Time('When it stops being accepted; 0: never'),
    disabled: Type.Boolean(),
    user: Type.String(),
    roles: Type.Array(Type.String()),
    last_used: Type.Optional(Time('When it was last used, to a minute; 0: not yet')),
  },
  { $id: 'Token' },
);
export type Token = Static<typeof Token>;

export const CreateTokenRequest = Type.Object(
  {
    expires: Type.Integer({ minimum: 0, maximum: 4_294_967_295, description: 'Seconds from now; 0: never' }),
    user: Type.String({ minLength: 1, maxLength: 256, description: 'Whose it is' }),
    roles: Type.Array(Type.String(), { maxItems: 100 }),
    metadata: Type.Optional(
      orNull(Type.Record(Type.String(), Type.String({ maxLength: 4096 }), { maxProperties: 64, propertyNames: { maxLength: 256 } })),
    ),
  },
  { $id: 'CreateTokenRequest' },
);
export const CreateTokenResponse = Type.Object(
  { token_details: Token, secret: Type.String({ description: 'The token itself: shown this once' }) },
  { $id: 'CreateTokenResponse' },
);
export const ListTokensResponse = Type.Object({ tokens: Type.Array(Token) }, { $id: 'ListTokensResponse' });
export const GetTokenResponse = Type.Object({ token: Token }, { $id: 'GetTokenByIDResponse' });
export const WhoAmIResponse = Type.Object({ token: Token }, { $id: 'WhoAmIResponse' });
export const UpdateTokenRequest = Type.Object({ disabled: Type.Optional(orNull(Type.Boolean())) }, { $id: 'UpdateTokenRequest' });
export const CreateSessionResponse = Type.Object({ expires: Time('When the session ends') }, { $id: 'CreateSessionResponse' });

const Actions = Type.Array(Type.Unsafe<Action>({ type: 'string', enum: [...ACTIONS] }), { maxItems: 16 });
/** A permission as it is answered: each resource in its string form, `namespaces:^devops.*`. */
export const RolePermission = Type.Object({ resources: Type.Array(Type.String()), actions: Actions }, { $id: 'Permission' });
export type RolePermission = Static<typeof RolePermission>;
/** A permission as it is taken: each resource in either form. */
export const GivenPermission = Type.Object(
  {
    resources: Type.Array(
      Type.Union([
        Type.String({ description: 'RESOURCE or RESOURCE:TARGET; only the first colon separates' }),
        Type.Object({ resource: Type.String(), target: Type.Optional(orNull(Type.String())) }),
      ]),
      { maxItems: 100, description: `Resources are ${RESOURCES.join(', ')}; a target is a regular expression (RE2) for a whole id` },
    ),
    actions: Actions,
  },
  { $id: 'GivenPermission' },
);
export type GivenPermission = Static<typeof GivenPermission>;

export const Role = Type.Object(
  { id: Type.String(), description: Type.String(), permissions: Type.Array(RolePermission), system_role: Type.Boolean() },
  { $id: 'Role' },
);
export type Role = Static<typeof Role>;
const GivenPermissions = Type.Array(GivenPermission, { maxItems: 100 });
export const CreateRoleRequest = Type.Object(
  { id: Type.String(), description: Type.String({ maxLength: 4096 }), permissions: GivenPermissions },
  { $id: 'CreateRoleRequest' },
);
export const UpdateRoleRequest = Type.Object(
  { description: Type.Optional(orNull(Type.String({ maxLength: 4096 }))), permissions: Type.Optional(orNull(GivenPermissions)) },
  { $id: 'UpdateRoleRequest' },
);
export const CreateRoleResponse = Type.Object({ role: Role }, { $id: 'CreateRoleResponse' });
export const GetRoleResponse = Type.Object({ role: Role }, { $id: 'GetRoleResponse' });
export const UpdateRoleResponse = Type.Object({ role: Role }, { $id: 'UpdateRoleResponse' });
export const ListRolesResponse = Type.Object({ roles: Type.Array(Role) }, { $id: 'ListRolesResponse' });

export const AuditEntry = Type.Object(
  {
    id: Type.Integer({ minimum: 1, description: 'Rises with every entry' }),
    at: Time('When'),
    actor: Type.Object({ id: Type.String({ description: "The token's id; empty where there was none" }), user: Type.String() }),
    address: Type.String({ description: 'Where the request came from' }),
    operation: Type.String({ description: 'The operation id, such as `delete_pipeline`' }),
    target: Type.Record(Type.String(), Type.String(), {
      description: 'What it was done to, by the names of the path and of what was made',
    }),
    result: Type.String({ description: '`success`, or the error code' }),
    request_id: Type.String(),
  },
  { $id: 'AuditEntry' },
);
export type AuditEntry = Static<typeof AuditEntry>;
export const ListAuditResponse = Type.Object({ entries: Type.Array(AuditEntry) }, { $id: 'ListAuditResponse' });
