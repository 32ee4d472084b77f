/** Tokens, sessions, roles and the audit kept in memory, as far as the tests of this folder need them. */
import type { AuditEntry, Role, Token } from '@gofer/contracts/api';
import type { NewAuditEntry, Services } from '../services/services.ts';

/** Makes a use case that remembers what it was asked. */
export type Record = <Arguments extends readonly unknown[], Result>(
  name: string,
  result: (...given: Arguments) => Result,
) => (...given: Arguments) => Promise<Awaited<Result>>;

const TOKEN: Token = {
  id: 'a-token',
  created: 1,
  metadata: {},
  expires: 0,
  disabled: false,
  user: 'somebody',
  roles: ['user'],
  last_used: 0,
};
const ROLE: Role = {
  id: 'user',
  description: '',
  permissions: [{ resources: ['namespaces:^default$'], actions: ['read'] }],
  system_role: true,
};
const ENTRY: AuditEntry = {
  id: 1,
  at: 1,
  actor: { id: 'a-token', user: 'somebody' },
  address: '127.0.0.1',
  operation: 'create_namespace',
  target: { id: 'new' },
  result: 'success',
  request_id: 'a-request',
};

export function createMemoryIdentity(record: Record, audited: NewAuditEntry[]): Pick<Services, 'tokens' | 'sessions' | 'roles' | 'audit'> {
  return {
    tokens: {
      list: record('tokens.list', () => [TOKEN]),
      get: record('tokens.get', () => TOKEN),
      ofPrincipal: record('tokens.ofPrincipal', () => TOKEN),
      createBootstrap: record('tokens.createBootstrap', () => ({ token_details: TOKEN, secret: 'gofer_secret' })),
      create: record('tokens.create', () => ({ token_details: TOKEN, secret: 'gofer_secret' })),
      setDisabled: record('tokens.setDisabled', () => undefined),
      delete: record('tokens.delete', () => undefined),
    },
    sessions: {
      begin: record('sessions.begin', () => ({ secret: 'gofer_session', expires: 5000, seconds: 5 })),
      end: record('sessions.end', () => undefined),
    },
    roles: {
      list: record('roles.list', () => [ROLE]),
      get: record('roles.get', () => ROLE),
      create: record('roles.create', () => ROLE),
      update: record('roles.update', () => ROLE),
      delete: record('roles.delete', () => undefined),
    },
    audit: {
      list: record('audit.list', () => [ENTRY]),
      record: async (entry, work) => {
        audited.push(entry);
        return work();
      },
    },
  };
}
