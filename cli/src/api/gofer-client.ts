import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';
import {
  type AnswerOf,
  type ApiCallArguments,
  type Event,
  type JsonOperationId,
  LOGS_PROTOCOL,
  type LogMessage,
  type PathOf,
  type RawOperationId,
  toApiRequest,
  type UploadOperationId,
  type WebSocketOperationId,
} from '@gofer/contracts/api';
import { type AttachSocket, openAttach } from '../attach/attach-socket.ts';
import { readText, toAnswerError } from './answer-error.ts';
import { Download } from './download.ts';
import { exchange } from './http-exchange.ts';
import type { UploadBody } from './send-body.ts';
import { ServerTrust } from './server-trust.ts';
import { openMessages } from './socket-messages.ts';

/** The server may think for so long before its first byte, beyond what the request itself asks it to wait. */
const SILENCE_MILLISECONDS = 60_000;
const LARGEST_ANSWER = 512 * 1024 * 1024;

export interface ClientOptions {
  readonly baseUrl: URL;
  /** Empty where there is none. */
  readonly token: string;
  readonly insecureSkipTlsVerify: boolean;
  /** Certificates (PEM) to trust beside the usual ones. */
  readonly ca?: string | undefined;
  /** Told of each request and its status. */
  readonly trace?: (line: string) => void;
}

/** Speaks to one server. */
export class GoferClient {
  readonly baseUrl: URL;
  readonly #token: string;
  readonly #trust: ServerTrust;
  readonly #trace: (line: string) => void;

  constructor(options: ClientOptions) {
    this.baseUrl = options.baseUrl;
    this.#token = options.token;
    this.#trust = new ServerTrust({ verify: !options.insecureSkipTlsVerify, ca: options.ca });
    this.#trace = options.trace ?? (() => undefined);
  }

  /** Resolves with the operation's answer; rejects with the server's error, or as `exchange` does. */
  async call<Id extends JsonOperationId>(
    operation: Id,
    call: ApiCallArguments<Id>[0],
    options: { silence?: number; signal?: AbortSignal } = {},
  ): Promise<AnswerOf<Id>> {
    const answer = await this.#exchange(toApiRequest(operation, ...([call] as ApiCallArguments<Id>)), options);
    return await this.#parse(operation, answer, options.signal);
  }

  /**
   * Sends the body as the server takes it; resolves with the operation's answer. Rejects as `call`, and with the error of the body's source;
   * where the server refuses before it has all of the body, with that refusal.
   */
  async upload<Id extends UploadOperationId>(
    operation: Id,
    call: ApiCallArguments<Id>[0],
    body: AsyncIterable<Uint8Array>,
    { signal, ...options }: Omit<UploadBody, 'source'> & { signal?: AbortSignal } = {},
  ): Promise<AnswerOf<Id>> {
    const request = toApiRequest(operation, ...([call] as ApiCallArguments<Id>));
    const answer = await this.#exchange({ ...request, body: { source: body, ...options } }, signal === undefined ? {} : { signal });
    return await this.#parse(operation, answer, signal);
  }

  /** The bytes of a raw operation's answer, once the server has begun to send them. */
  async bytes<Id extends RawOperationId>(
    operation: Id,
    call: ApiCallArguments<Id>[0],
    options: { signal?: AbortSignal } = {},
  ): Promise<Download> {
    const answer = await this.#exchange(toApiRequest(operation, ...([call] as ApiCallArguments<Id>)), options);
    return this.#download(answer, options.signal);
  }

  /** Must be consumed to its end or returned. Resolves once the server has accepted. */
  async events(
    query: NonNullable<NonNullable<ApiCallArguments<'stream_events'>[0]>['query']>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Event>> {
    return (await this.#messages('stream_events', { query }, undefined, signal)) as AsyncIterable<Event>;
  }

  /** As `events`; ends at the end of the log. */
  async logs(
    path: PathOf<'get_logs'>,
    query: NonNullable<ApiCallArguments<'get_logs'>[0]['query']>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogMessage>> {
    return (await this.#messages('get_logs', { path, query }, LOGS_PROTOCOL, signal)) as AsyncIterable<LogMessage>;
  }

  /** As `logs`, of each start in turn; goes on with the next start where it is followed. */
  async extensionLog(
    path: PathOf<'get_extension_logs'>,
    query: NonNullable<ApiCallArguments<'get_extension_logs'>[0]['query']>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<LogMessage>> {
    return (await this.#messages('get_extension_logs', { path, query }, LOGS_PROTOCOL, signal)) as AsyncIterable<LogMessage>;
  }

  /** Runs a command inside a running task; see `openAttach`. */
  async attach(
    path: PathOf<'attach_task_execution'>,
    query: { command?: string[]; tty: boolean },
    signal: AbortSignal,
  ): Promise<AttachSocket> {
    const { url, headers } = this.#socket('attach_task_execution', { path, query });
    return await openAttach({ url, headers, signal, trust: this.#trust });
  }

  async #parse<Id extends JsonOperationId | UploadOperationId>(
    operation: Id,
    answer: IncomingMessage,
    signal?: AbortSignal,
  ): Promise<AnswerOf<Id>> {
    const text = await readText(this.#download(answer, signal), LARGEST_ANSWER);
    if (text === '') return undefined as AnswerOf<Id>;
    try {
      return JSON.parse(text) as AnswerOf<Id>;
    } catch (error) {
      throw new GoferError('UNAVAILABLE', `the answer of ${this.baseUrl.href} to ${operation} is not JSON; is it a Gofer server?`, {
        cause: error,
      });
    }
  }

  #download(answer: IncomingMessage, signal?: AbortSignal): Download {
    return new Download(answer, { from: this.baseUrl.origin, silence: SILENCE_MILLISECONDS, signal });
  }

  async #exchange(
    request: Omit<ReturnType<typeof toApiRequest>, 'body'> & { readonly body?: string | UploadBody },
    { silence = SILENCE_MILLISECONDS, signal }: { silence?: number; signal?: AbortSignal },
  ): Promise<IncomingMessage> {
    const url = this.#resolve(request.target);
    const { method, body } = request;
    const answer = await exchange({
      method,
      url,
      headers: this.#authorised(request.headers),
      silence,
      signal,
      trust: this.#trust,
      ...(body === undefined ? {} : { body }),
    });
    this.#trace(`${method} ${url.href} → ${answer.statusCode}`);
    if ((answer.statusCode ?? 0) >= 300) throw await toAnswerError(answer, `${method} ${url.href}`);
    return answer;
  }

  async #messages<Id extends 'stream_events' | 'get_logs' | 'get_extension_logs'>(
    operation: Id,
    call: ApiCallArguments<Id>[0],
    protocol: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<unknown>> {
    const { url, headers } = this.#socket(operation, call);
    return await openMessages({ url, headers, protocol, signal, trust: this.#trust });
  }

  #socket<Id extends WebSocketOperationId>(operation: Id, call: ApiCallArguments<Id>[0]): { url: URL; headers: Record<string, string> } {
    const request = toApiRequest(operation, ...([call] as ApiCallArguments<Id>));
    const url = this.#resolve(request.target);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#trace(`WebSocket ${url.href}`);
    return { url, headers: this.#authorised(request.headers) };
  }

  #authorised(headers: Readonly<Record<string, string>>): Record<string, string> {
    return this.#token === '' ? { ...headers } : { ...headers, authorization: `Bearer ${this.#token}` };
  }

  /** Below the base URL's own path, so that a server behind a prefix can be reached. */
  #resolve(target: string): URL {
    return new URL(this.baseUrl.href.replace(/\/+$/u, '') + target);
  }
}
