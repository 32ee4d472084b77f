/**
 * Roles and tokens that are made, changed and taken away in random order, by those who may and those who may not, while they are used: each
 * request is answered as a model of the server's state says, and the state is the model's in the end.
 */
import { ACTIONS, type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer, type Sent } from './access-server.ts';
import { createToken, logIn } from './callers.ts';
import { type Actor, type Code, IdentityModel, type ModelToken } from './identity-model.ts';
import type { ModelPermission } from './reference-model.ts';
import { GOOD_IDS, permissions, toWire } from './role-arbitraries.ts';

const SEQUENCES = 15;
const STEPS = 40;

/** Each of them wrong in one place. */
const BROKEN: readonly object[] = [
  { resources: ['namespaces:('], actions: ['read'] },
  { resources: ['namespaces:(?=x)'], actions: ['read'] },
  { resources: ['nonsense'], actions: ['read'] },
  { resources: ['runs:abc'], actions: ['read'] },
  { resources: ['runs'], actions: [] },
  { resources: [], actions: ['read'] },
  { resources: ['runs'], actions: ['execute'] },
  { resources: ['runs'] },
  { resources: [{ resource: 'namespaces:abc' }], actions: ['read'] },
];

/** Routes that change nothing when they are asked without a body. */
const READS: readonly OperationId[] = [
  'get_namespace',
  'get_pipeline',
  'list_configs',
  'list_runs',
  'get_event',
  'get_token_by_id',
  'list_roles',
  'list_audit',
  'list_pipeline_secrets',
  'get_system_preferences',
];

/** Asked wherever a role is changed: of few resources, so that many roles grant them. */
const PROBES: readonly OperationId[] = ['get_namespace', 'get_pipeline', 'list_roles'];

const roleName = fc.constantFrom('aaa', 'bbb', 'ccc', 'AAA', 'user', 'admin', 'Admin', 'x');
const tokenRole = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('aaa', 'bbb', 'ccc') },
  { weight: 4, arbitrary: fc.constantFrom('admin', 'user') },
  { weight: 1, arbitrary: fc.constantFrom('bootstrap', 'Bootstrap', 'inject_api_token', 'Inject_API_token', 'missing') },
);
const some = fc.nat({ max: 999 });
/** Another one, or the caller's own. */
const which = fc.oneof({ weight: 3, arbitrary: some }, { weight: 1, arbitrary: fc.constant('own' as const) });
const who = fc.record({ token: fc.oneof(fc.constant(0), some), inBrowser: fc.boolean() });
const broken = fc.option(fc.constantFrom(...BROKEN), { nil: undefined, freq: 4 });

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create role' as const), who, name: roleName, permissions, broken }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('update role' as const), who, name: roleName, permissions: fc.option(permissions), broken }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete role' as const), who, name: roleName }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('create token' as const),
      who,
      roles: fc.array(tokenRole, { maxLength: 3 }),
      expires: fc.constantFrom(0, 0, 500, 5000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('update token' as const),
      who,
      token: which,
      disabled: fc.constantFrom(true, true, false, false, null),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete token' as const), who, token: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('log in' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('log out' as const), who }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      who,
      id: fc.constantFrom(...READS),
      namespace_id: fc.constantFrom(...GOOD_IDS),
      pipeline_id: fc.constantFrom(...GOOD_IDS),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** One sequence: its roles and tokens have names of their own, so that all can be played on one server. */
class Play {
  readonly model = new IdentityModel();
  readonly #server: AccessServer;
  readonly #suffix: string;

  constructor(server: AccessServer, number: number) {
    this.#server = server;
    this.#suffix = `-${number}`;
  }

  /** An administrator, who may be disabled or deleted by another, and somebody with a role that is there already. */
  async begin(): Promise<void> {
    const [id, permissions] = [this.#role('aaa'), [{ resources: [{ resource: 'all' as const }], actions: ACTIONS }]];
    await this.#server.ask('POST', '/api/roles', { id, description: '', permissions: toWire(permissions, false) });
    this.model.roles.set(id, permissions);
    for (const roles of [['admin'], [id]]) this.#add(await createToken(this.#server, roles), roles, 0);
  }

  /** What the server answers, and what the model does. */
  async play(played: Step): Promise<{ readonly answered: Code; readonly expected: Code }> {
    const { model } = this;
    const actor = this.#actor(played.who);
    switch (played.do) {
      case 'create role': {
        const id = this.#role(played.name);
        const body = { id, description: '', permissions: wire(played.permissions, played.broken) };
        return {
          answered: await this.#send(actor, 'POST', '/api/roles', body),
          expected: model.createRole(actor, id, played.permissions, played.broken !== undefined),
        };
      }
      case 'update role': {
        const id = this.#role(played.name);
        const given = played.permissions ?? undefined;
        const isBroken = given !== undefined && played.broken !== undefined;
        const body = { description: 'changed', permissions: given === undefined ? null : wire(given, played.broken) };
        return {
          answered: await this.#send(actor, 'PATCH', `/api/roles/${id}`, body),
          expected: model.updateRole(actor, id, given, isBroken),
        };
      }
      case 'delete role': {
        const id = this.#role(played.name);
        return { answered: await this.#send(actor, 'DELETE', `/api/roles/${id}`), expected: model.deleteRole(actor, id) };
      }
      case 'create token': {
        const roles = played.roles.map((name) => this.#role(name));
        const expected = model.createToken(actor, roles, played.expires);
        const { code, text } = await this.#call(actor, 'POST', '/api/tokens', { user: 'them', roles, expires: played.expires });
        if (code === undefined) {
          const made = JSON.parse(text) as { token_details: { id: string }; secret: string };
          this.#add({ id: made.token_details.id, secret: made.secret }, roles, played.expires);
        }
        return { answered: code, expected };
      }
      case 'update token': {
        const token = played.token === 'own' ? actor.token : this.#token(played.token);
        const { disabled } = played;
        return {
          answered: await this.#send(actor, 'PATCH', `/api/tokens/${token.id}`, { disabled }),
          expected: model.updateToken(actor, token, disabled),
        };
      }
      case 'delete token': {
        const token = played.token === 'own' ? actor.token : this.#token(played.token);
        return { answered: await this.#send(actor, 'DELETE', `/api/tokens/${token.id}`), expected: model.deleteToken(actor, token) };
      }
      case 'log in': {
        const expected = model.admission(actor, 'token');
        if (expected === undefined) {
          const cookie = await logIn(this.#server, actor.token.secret);
          model.sessions.push({ cookie, token: actor.token, ended: false });
          return { answered: undefined, expected };
        }
        return { answered: await this.#send(actor, 'POST', '/api/sessions'), expected };
      }
      case 'log out':
        return { answered: await this.#send(actor, 'DELETE', '/api/sessions'), expected: model.logOut(actor) };
      case 'ask':
        return this.#ask(actor, played);
    }
  }

  /** Whoever has a role that was just changed is asked for at once. */
  async probe(name: string): Promise<void> {
    for (const token of this.model.tokens) {
      if (!token.roles.includes(this.#role(name))) continue;
      for (const id of PROBES) await this.#expectAsModel(token, id);
    }
  }

  /** What the model says is to be there, as the server answers it; and each token once more. */
  async compare(): Promise<void> {
    const { model } = this;
    const { roles } = await this.#server.ask<{ roles: { id: string; permissions: object[] }[] }>('GET', '/api/roles');
    const own = roles.filter(({ id }) => id.endsWith(this.#suffix)).map(({ id, permissions: kept }) => [id, kept]);
    expect(Object.fromEntries(own)).toEqual(Object.fromEntries([...model.roles].map(([id, kept]) => [id, asAnswered(kept)])));
    for (const token of model.tokens) {
      const answer = await this.#server.call('GET', `/api/tokens/${token.id}`, { token: this.#server.admin });
      expect(answer.code).toBe(token.deleted ? 'NOT_FOUND' : undefined);
      if (!token.deleted) expect(JSON.parse(answer.text)).toMatchObject({ token: { roles: token.roles, disabled: token.disabled } });
      for (const id of PROBES) await this.#expectAsModel(token, id);
    }
  }

  async #expectAsModel(token: ModelToken, id: OperationId): Promise<void> {
    const { answered, expected } = await this.#ask({ token }, { id, namespace_id: 'abc', pipeline_id: 'abcd' });
    expect(answered, `${id} by a token of ${token.roles.join()}`).toBe(expected);
  }

  /** Whoever is let in finds nothing, or something. */
  async #ask(
    actor: Actor,
    asked: { id: OperationId; namespace_id: string; pipeline_id: string },
  ): Promise<{ answered: Code; expected: Code }> {
    const { path, permission, method }: RouteDefinition = ROUTES[asked.id];
    const { namespace_id, pipeline_id } = asked;
    const ids = {
      ...(path.includes('{namespace_id}') ? { namespace_id } : {}),
      ...(path.includes('{pipeline_id}') ? { pipeline_id } : {}),
    };
    const target = path.replace(/\{(\w+)\}/g, (_, name: string) => ({ namespace_id, pipeline_id })[name] ?? 'nothing');
    const code = await this.#send(actor, method, target);
    return { answered: code === 'NOT_FOUND' ? undefined : code, expected: this.model.admission(actor, permission, ids) };
  }

  #add({ id, secret }: { id: string; secret: string }, roles: readonly string[], expires: number): void {
    this.model.tokens.push({ id, secret, roles, expires, disabled: false, deleted: false });
  }

  #token(number: number): ModelToken {
    const token = this.model.tokens[number % this.model.tokens.length];
    if (token === undefined) throw new Error('the sequence has not begun');
    return token;
  }

  #actor({ token: number, inBrowser }: { token: number; inBrowser: boolean }): Actor {
    const token = this.#token(number);
    const session = inBrowser ? this.model.sessions.findLast((each) => each.token === token) : undefined;
    return session === undefined ? { token } : { token, session };
  }

  #role(name: string): string {
    return ['aaa', 'bbb', 'ccc', 'AAA', 'missing'].includes(name) ? `${name}${this.#suffix}` : name;
  }

  async #send(actor: Actor, method: string, path: string, body?: object): Promise<Code> {
    return (await this.#call(actor, method, path, body)).code;
  }

  #call({ token, session }: Actor, method: string, path: string, body?: object) {
    const sent: Sent = session === undefined ? { token: token.secret } : { cookie: session.cookie };
    return this.#server.call(method, path, { ...sent, ...(body === undefined ? {} : { body }) });
  }
}

function wire(given: readonly ModelPermission[], fault: object | undefined): object[] {
  return [...toWire(given, false), ...(fault === undefined ? [] : [fault])];
}

/** Actions are answered in one order. */
function asAnswered(kept: readonly ModelPermission[]): object[] {
  return toWire(
    kept.map(({ resources, actions }) => ({ resources, actions: ACTIONS.filter((action) => actions.includes(action)) })),
    false,
  );
}

describe('roles, tokens and sessions', () => {
  let server: AccessServer;
  beforeAll(async () => {
    server = await AccessServer.start();
  });
  afterAll(() => server.close());

  it('are at every moment what was made of them by those who may', async () => {
    let number = 0;
    const answers = new Map<Code, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
        number += 1;
        const sequence = new Play(server, number);
        await sequence.begin();
        for (const [index, played] of steps.entries()) {
          const { answered, expected } = await sequence.play(played);
          if (answered !== expected)
            throw new Error(`step ${index}, ${JSON.stringify(played)}: ${answered ?? 'success'} where it must be ${expected ?? 'success'}`);
          answers.set(answered, (answers.get(answered) ?? 0) + 1);
          if ('name' in played) await sequence.probe(played.name);
        }
        await sequence.compare();
      }),
      { numRuns: SEQUENCES },
    );
    for (const code of [
      undefined,
      'UNAUTHENTICATED',
      'PERMISSION_DENIED',
      'INVALID_ARGUMENT',
      'ALREADY_EXISTS',
      'FORBIDDEN',
      'NOT_FOUND',
      'FAILED_PRECONDITION',
    ])
      expect(answers.get(code) ?? 0, `answers with ${code ?? 'success'}`).toBeGreaterThan(0);
  });
});
