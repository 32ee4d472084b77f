/** What a request of one route passes before anything is done for it, and what is written of it: who it is from, whether they may, the audit. */
import type { IncomingMessage } from 'node:http';
import type { OperationId, RouteDefinition } from '@gofer/contracts/api';
import type { Context } from 'koa';
import { describePermission, type TargetIds } from '../../domain/index.ts';
import type { AuditService } from '../../services/services.ts';
import { AnsweredError } from '../error-answer.ts';
import type { HttpState } from '../http-app.ts';
import type { Values } from '../request/parameters.ts';
import { type AuditedParts, auditOf } from './audited-route.ts';
import type { Authority, Principal } from './authority.ts';
import { type PresentedCredentials, readCredentials } from './credentials.ts';
import { unauthenticated } from './token-authority.ts';
import type { WebOrigins } from './web-origins.ts';

export interface AccessOptions {
  readonly authority: Authority;
  readonly audit: Pick<AuditService, 'record'>;
  readonly origins: WebOrigins;
  /** Where a request comes from, proxies that are trusted left out. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Whether the client's own connection is encrypted. */
  readonly isSecure: (request: IncomingMessage) => boolean;
  /** Counts an expensive request; the seconds to wait, once there were too many. */
  readonly expensive: (principalId: string) => Promise<number | undefined>;
  /** Counts a run that an extension starts; the seconds to wait, once there were too many. */
  readonly runOfExtension: (extensionId: string) => Promise<number | undefined>;
  /** Counts a request that is in the audit though its token permits nothing; the seconds to wait, once there were too many. */
  readonly refused: (principalId: string) => Promise<number | undefined>;
  readonly now: () => number;
}

export interface Caller {
  readonly principal: Principal;
  readonly presented: PresentedCredentials;
  readonly address: string;
  readonly requestId: string;
}

const STARTS_RUN: ReadonlySet<OperationId> = new Set(['start_run', 'retry_run']);

type RouteContext = Context & { state: HttpState };

export class Checkpoint {
  readonly #id: OperationId;
  readonly #route: RouteDefinition;
  readonly #options: AccessOptions;
  readonly #targetOf: ReturnType<typeof auditOf>;

  constructor(id: OperationId, route: RouteDefinition, options: AccessOptions) {
    this.#id = id;
    this.#route = route;
    this.#options = options;
    this.#targetOf = auditOf(route);
  }

  async identify(context: RouteContext): Promise<Caller> {
    const { authority, origins, addressOf } = this.#options;
    const { req: request, state } = context;
    const isWebSocket = this.#route.kind === 'websocket';
    const presented = readCredentials(request, state.query, isWebSocket);
    // What browsers send by themselves, and WebSockets, which know no other protection, count from our own pages only.
    if (!authority.bypassed && (isWebSocket || presented.kind === 'session')) origins.check(request);
    if (!authority.bypassed && this.#isForAnybody) origins.checkConfigured(request);
    const address = addressOf(request);
    const principal = await authority.authenticate(presented, this.#route, address);
    return { principal, presented, address, requestId: state.requestId };
  }

  /** Rejects where who was let in would not be any more: the token is good no longer, or its roles allow less. */
  async confirm({ principal, presented }: Caller, params: TargetIds): Promise<void> {
    const { authority } = this.#options;
    const { permission } = this.#route;
    const now = await authority.confirm(presented, this.#route);
    const isSame = now.id === principal.id && now.roles.join('\n') === principal.roles.join('\n');
    if (isSame && authority.authorize(now, permission, params)) return;
    throw unauthenticated('What this token may do has changed, and this is no part of it.', 'insufficient_scope');
  }

  /** Rejects with `PERMISSION_DENIED`, which the audit is told of where it is told of the request. */
  async admit(caller: Caller, context: RouteContext): Promise<void> {
    const { authority, expensive, refused } = this.#options;
    const { permission } = this.#route;
    const { params } = context;
    if (!authority.authorize(caller.principal, permission, params)) {
      const parts = { path: params, query: this.#askedFor(context), body: undefined };
      // Whoever has no right to anything must not be able to fill the disk with what it is refused.
      if (this.#targetOf?.(parts) !== undefined) assertPatient(await refused(caller.principal.id), 'that it does not permit were sent');
      const denied = unauthenticated(
        `This needs ${describePermission(permission, params)}; ${describeCaller(caller.principal)}.`,
        'insufficient_scope',
      );
      await this.audited(caller, parts, () => Promise.reject(denied));
      throw denied;
    }
    // Sessions are for every token, whatever its roles.
    if (!authority.bypassed && permission === 'token' && this.#targetOf !== undefined)
      assertPatient(await refused(caller.principal.id), 'to begin or end a session were sent');
    await this.#assertNoFlood(caller.principal);
    const wait = this.#route.expensive === true ? await expensive(caller.principal.id) : undefined;
    if (wait === undefined) return;
    throw new AnsweredError(
      'RESOURCE_EXHAUSTED',
      `Too many expensive requests were sent with this token: try again in ${wait} s (limits.expensive_requests).`,
      { headers: { 'retry-after': String(wait) } },
    );
  }

  /** An extension that has gone wrong takes the runs of nobody else. */
  async #assertNoFlood({ extension }: Principal): Promise<void> {
    if (extension === undefined || !STARTS_RUN.has(this.#id)) return;
    const wait = await this.#options.runOfExtension(extension.id);
    if (wait === undefined) return;
    throw new AnsweredError(
      'RESOURCE_EXHAUSTED',
      `The extension '${extension.id}' has started too many runs: try again in ${wait} s (extensions.runs_per_minute).`,
      { headers: { 'retry-after': String(wait) } },
    );
  }

  /** Of a query that has not been checked: what the audit goes by. */
  #askedFor({ state }: RouteContext): Values {
    const when = this.#route.audit?.when;
    return when === undefined ? {} : { [when]: new URLSearchParams(state.query).get(when) === 'true' };
  }

  /** It changes something, and asks for no credentials. */
  get #isForAnybody(): boolean {
    return this.#route.permission === 'none' && this.#route.method !== 'GET';
  }

  /** Does `work`, with the entry of the request in the audit where it has one. */
  audited<T>({ principal, address, requestId }: Caller, parts: AuditedParts, work: () => Promise<T>): Promise<T> {
    const target = this.#targetOf?.(parts);
    // What an extension keeps for itself, every second perhaps, is nobody's deed.
    const isOwnKeeping = this.#route.tag === 'Objects' && principal.extension?.id === parts.path['extension_id'];
    if (target === undefined || (principal.extension !== undefined && isOwnKeeping)) return work();
    const actor = { id: principal.id, user: principal.user };
    const { audit, now } = this.#options;
    const entry = { at: now(), actor, address, operation: this.#id, target, requestId };
    // Of those whom nobody knows only what comes of something: all the world could fill the disk with what it is refused.
    return audit.record(entry, work, { refusals: principal.id !== '' });
  }
}

function assertPatient(wait: number | undefined, what: string): void {
  if (wait === undefined) return;
  throw new AnsweredError(
    'RESOURCE_EXHAUSTED',
    `Too many requests ${what} with this token: try again in ${wait} s (limits.failed_authentications).`,
    { headers: { 'retry-after': String(wait) } },
  );
}

function describeCaller({ user, roles, scope, extension }: Principal): string {
  if (extension !== undefined)
    return `the token is of the extension ${extension.id}, and reaches what is subscribed to that${roles.length > 1 ? ', and what its additional roles allow' : ''}`;
  if (scope !== undefined) return `the token is of a task of pipeline ${scope.namespaceId}/${scope.pipelineId}, and reaches that only`;
  if (roles.length === 0) return `the token of '${user}' has no role`;
  return `the token of '${user}' has ${roles.length === 1 ? 'the role' : 'the roles'} ${roles.slice(0, 10).join(', ')}`;
}
