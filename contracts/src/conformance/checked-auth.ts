/** An auth plugin of which every result is checked to be plain data, and every result and failure is kept for the laws of secrecy. */
import type { AuthPrincipal } from '../auth.ts';
import { assert, assertData, assertEqual } from './assertions.ts';
import type { OpenAuth } from './auth-harness.ts';

/** Told everything that the plugin lets out, before whoever asked. */
export interface Listener {
  principal(principal: AuthPrincipal): void;
  failed(error: unknown): void;
}

export function checkedAuth(auth: OpenAuth, listener: Listener): OpenAuth {
  const heard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    try {
      return await call();
    } catch (error) {
      listener.failed(error);
      throw error;
    }
  };
  const nothing = (call: () => Promise<void>, what: string): Promise<void> =>
    heard(async () => {
      const result: unknown = await call();
      assert(result === undefined, `${what} must resolve with nothing`);
    });
  const principal = (call: () => Promise<AuthPrincipal>): Promise<AuthPrincipal> =>
    heard(async () => {
      const result = await call();
      assertPrincipal(result);
      listener.principal(result);
      return result;
    });

  return {
    capabilities: auth.capabilities,
    authenticate: (credentials) => principal(() => auth.authenticate(credentials)),
    beginLogin: (request) =>
      heard(async () => {
        const result = await auth.beginLogin(request);
        assertData(result, 'what beginLogin resolves with');
        assert(URL.canParse(result.url), `beginLogin must resolve with an absolute address, not ${JSON.stringify(result.url)}`);
        return result;
      }),
    completeLogin: (request, answer) => principal(() => auth.completeLogin(request, answer)),
    health: () => nothing(() => auth.health(), 'health'),
    close: () => nothing(() => auth.close(), 'close'),
  };
}

function assertPrincipal(principal: unknown): asserts principal is AuthPrincipal {
  assert(typeof principal === 'object' && principal !== null, 'a principal must be an object');
  assertData(principal, 'a principal');
  assertEqual(Object.keys(principal).toSorted(), ['groups', 'id', 'roles', 'user'], 'what a principal has');
  const { id, user, roles, groups } = principal as AuthPrincipal;
  for (const [name, text] of Object.entries({ id, user })) assert(isText(text), `a principal's ${name} must be a text that is not empty`);
  for (const [name, list] of Object.entries({ roles, groups }))
    assert(Array.isArray(list) && list.every(isText), `a principal's ${name} must be a list of texts that are not empty`);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
