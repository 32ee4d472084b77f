import type {
  AnswerOf,
  BodyOf,
  HeadersOf,
  JsonOperationId,
  OperationId,
  PathOf,
  Permission,
  QueryOf,
  RawOperationId,
  UploadOperationId,
  WebSocketOperationId,
} from '@gofer/contracts/api';
import type { Context } from 'koa';
import type { TargetIds } from '../domain/index.ts';
import type { Principal } from './access/authority.ts';
import type { UploadBody } from './request/upload-body.ts';
import type { WebSocketPeer } from './streams/web-socket-peer.ts';

/** A request that has passed every check of its route, typed by the route's entry in the table. */
export interface RouteRequest<Id extends OperationId> {
  readonly path: PathOf<Id>;
  readonly query: QueryOf<Id>;
  readonly headers: HeadersOf<Id>;
  readonly body: BodyOf<Id>;
  readonly principal: Principal;
  /** Whether the caller has a further permission, on what the path names or on other things. */
  readonly may: (permission: Permission, ids?: TargetIds) => boolean;
  /** Whether the caller is known by a session, and not by the token itself. */
  readonly isSession: boolean;
  /** The session that the request's cookie names. */
  readonly session: string | undefined;
  /** Sends the browser a cookie of this value for so many seconds; without a value takes it back. */
  readonly setSessionCookie: (value: string | undefined, seconds: number) => void;
  /** Aborts when the client has gone, and when the server stops; made at the first use. */
  readonly signal: AbortSignal;
}

/** The answer's body, or nothing where the table has none; the status is the table's. */
export type JsonHandlers = {
  readonly [Id in JsonOperationId]: (request: RouteRequest<Id>) => Promise<AnswerOf<Id> extends undefined ? void : AnswerOf<Id>>;
};

/** Writes status, headers and body itself. */
export type RawHandlers = { readonly [Id in RawOperationId]: (request: RouteRequest<Id>, context: Context) => Promise<void> };

/** The answer's body; `body` must be read before the answer is given, or its rest is not waited for. */
export type UploadHandlers = {
  readonly [Id in UploadOperationId]: (request: RouteRequest<Id>, body: UploadBody) => Promise<AnswerOf<Id>>;
};

/** Runs on the open socket; resolves with the reason of the normal closure that follows. A rejection closes with an error's code. */
export type Conversation = (peer: WebSocketPeer) => Promise<string>;

/** Runs before the upgrade, so that a rejection is a plain HTTP answer. `protocol`: the chosen sub-protocol. */
export type WebSocketHandlers = {
  readonly [Id in WebSocketOperationId]: (request: RouteRequest<Id>, protocol: string | undefined) => Promise<Conversation>;
};

export type Handlers = JsonHandlers & RawHandlers & UploadHandlers & WebSocketHandlers;
