/**
 * Asks one extension that runs. It may be anybody's program, so nothing of it is trusted: every call has an end, every answer a size at
 * which its connection is cut, a redirect is never followed, and the key goes to this one address only. Nothing is tried again here.
 */
import type { Readable } from 'node:stream';
import { GoferError } from '@gofer/contracts';
import type { ExtensionDocumentation } from '@gofer/contracts/api';
import { Pool } from 'undici';
import type { Clock } from '../clock/clock.ts';
import { createTextMasker } from '../workers/logs/index.ts';
import { readAtMost } from './answer-body.ts';
import { describeFault } from './connection-fault.ts';
import { NonsenseAnswer, readDebug, readDocumentation, readWords, toLine } from './extension-answer.ts';
import type { DeliveryAnswer, GivenSubscription, HandedEvent, SubscriptionName } from './extension-calls.ts';
import { encodeExternalEvent } from './external-event-body.ts';

export interface ExtensionClientOptions {
  /** As people know it: it stands in messages. */
  readonly extensionId: string;
  /** Where it is reached: `http://127.0.0.1:32768`. Whatever follows the port is ignored. */
  readonly url: string;
  /** What it lets the server in for. */
  readonly key: string;
  /** What is not to be repeated of what it says, beside the key: the secrets that it was started with. */
  readonly masked?: readonly string[];
  /** False: any certificate will do. */
  readonly verifyCerts: boolean;
  /** PEM: trusted in the place of the authorities that Node knows. */
  readonly ca?: string;
  readonly clock: Clock;
  /** How long a call may take, with its connection and the whole answer; default 10,000 ms. */
  readonly callTimeoutMs?: number;
  /** The same for a delivery; default 30,000 ms. */
  readonly deliveryTimeoutMs?: number;
}

type CallName = keyof typeof CALLS;

const CALLS = {
  health: { method: 'GET', path: '/api/health' },
  info: { method: 'GET', path: '/api/info' },
  debug: { method: 'GET', path: '/api/debug' },
  subscribe: { method: 'POST', path: '/api/subscribe' },
  unsubscribe: { method: 'DELETE', path: '/api/subscribe' },
  shutdown: { method: 'POST', path: '/api/shutdown' },
  deliver: { method: 'POST', path: '/api/external-event' },
} as const;

const CALL_TIMEOUT_MS = 10_000;
const DELIVERY_TIMEOUT_MS = 30_000;
const CONNECTIONS = 16;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_INFO_BYTES = 1024 * 1024;
const MAX_DEBUG_BYTES = 4 * 1024 * 1024;
/** Of what is read for its words only. */
const MAX_WORDS_BYTES = 64 * 1024;
/** Refusals that say nothing of the subscription: the key is wrong, or another time may do. */
const NOT_THE_SUBSCRIPTION: ReadonlySet<number> = new Set([401, 408, 425, 429]);
/** Said of what is not there. */
const ABSENT: ReadonlySet<number> = new Set([404, 410]);

interface Exchange {
  readonly call: CallName;
  readonly signal: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly content: Readable | Uint8Array; readonly length: number };
}

interface Answer {
  readonly statusCode: number;
  /** Where a redirect would lead. */
  readonly location: string;
  /** No secret, should it be repeated, is among it. */
  readonly text: string;
  /** Why the text is not all that was to come. */
  readonly cut: string | undefined;
}

export class ExtensionClient {
  readonly #options: ExtensionClientOptions;
  readonly #calls: Pool;
  /** Health is asked on a connection of its own: however many deliveries are slow, it does not wait for them. */
  readonly #probes: Pool;
  readonly #conceal: (text: string) => string;

  /** Connects when it is needed. Throws `INVALID_ARGUMENT` for a URL that is none of HTTP or HTTPS. */
  constructor(options: ExtensionClientOptions) {
    this.#options = options;
    this.#conceal = createTextMasker([options.key, ...(options.masked ?? [])]);
    const origin = originOf(options);
    this.#calls = openPool(origin, CONNECTIONS, options);
    this.#probes = openPool(origin, 1, options);
  }

  /** Resolves where it is healthy. Like every call of this class rejects with `UNAVAILABLE`, with `CANCELLED` when `signal` aborts. */
  async health(signal?: AbortSignal): Promise<void> {
    await this.#command({ call: 'health', signal });
  }

  async info(signal?: AbortSignal): Promise<ExtensionDocumentation> {
    return await this.#question({ call: 'info', signal }, MAX_INFO_BYTES, readDocumentation);
  }

  async debug(signal?: AbortSignal): Promise<string> {
    return await this.#question({ call: 'debug', signal }, MAX_DEBUG_BYTES, readDebug);
  }

  /** Rejects with `INVALID_ARGUMENT` and its own words where it refuses the subscription. */
  async subscribe(subscription: GivenSubscription, signal?: AbortSignal): Promise<void> {
    const { created, params } = subscription;
    const body = toBody({ ...toWireName(subscription), pipeline_subscription_params: params, created });
    const exchange = { call: 'subscribe', signal, body } as const;
    const said = await this.#ask(exchange, MAX_WORDS_BYTES);
    if (isSuccess(said)) return;
    // Whoever reads its words may not read the secrets that the subscription refers to.
    const answer = { ...said, text: createTextMasker(subscription.secrets ?? [])(said.text) };
    const { statusCode } = answer;
    if (statusCode < 400 || statusCode > 499 || NOT_THE_SUBSCRIPTION.has(statusCode)) throw this.#refused(exchange, answer);
    const words = readWords(answer.text) || `it answers ${statusCode} and says nothing more`;
    throw new GoferError('INVALID_ARGUMENT', `The extension '${this.#options.extensionId}' refuses the subscription: ${words}`);
  }

  /** Succeeds where it says that it has no such subscription. */
  async unsubscribe(name: SubscriptionName, signal?: AbortSignal): Promise<void> {
    const exchange = { call: 'unsubscribe', signal, body: toBody(toWireName(name)) } as const;
    const answer = await this.#ask(exchange, MAX_WORDS_BYTES);
    if (!isSuccess(answer) && !ABSENT.has(answer.statusCode)) throw this.#refused(exchange, answer);
  }

  /** Asks it to prepare for its end; it need not end by itself. */
  async shutdown(signal?: AbortSignal): Promise<void> {
    await this.#command({ call: 'shutdown', signal });
  }

  /** Resolves with whatever it answers; where it took the event there is no message. */
  async deliver(event: HandedEvent, signal?: AbortSignal): Promise<DeliveryAnswer> {
    const { length, stream } = await encodeExternalEvent(event);
    // Of the request, and not among the event's own: what is there anybody may have sent.
    const headers = {
      'gofer-delivery-id': event.id,
      'gofer-delivery-received': String(event.received),
      'gofer-delivery-again': String(event.again),
    };
    const answer = await this.#ask({ call: 'deliver', signal, headers, body: { content: stream, length } }, MAX_WORDS_BYTES);
    const { statusCode } = answer;
    if (isSuccess(answer)) return { statusCode };
    const message = isRedirect(answer) ? describeRedirect(answer) : readWords(answer.text);
    return message === '' ? { statusCode } : { statusCode, message };
  }

  /** Cuts what is under way. Resolves when no connection is left. */
  async close(): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#probes.destroy()]);
  }

  async #command(exchange: Exchange): Promise<void> {
    const answer = await this.#ask(exchange, MAX_WORDS_BYTES);
    if (!isSuccess(answer)) throw this.#refused(exchange, answer);
  }

  async #question<Result>(exchange: Exchange, limit: number, read: (text: string) => Result): Promise<Result> {
    const answer = await this.#ask(exchange, limit);
    if (!isSuccess(answer)) throw this.#refused(exchange, answer);
    if (answer.cut !== undefined) throw this.#unavailable(exchange, answer.cut);
    try {
      return read(answer.text);
    } catch (error) {
      if (error instanceof NonsenseAnswer) throw this.#unavailable(exchange, `its answer cannot be used: ${error.message}`);
      throw error;
    }
  }

  /** An answer that is no success. */
  #refused(exchange: Exchange, answer: Answer): GoferError {
    if (isRedirect(answer)) return this.#unavailable(exchange, describeRedirect(answer));
    if (answer.statusCode === 401) return this.#unavailable(exchange, `it does not take the server's key (401: ${readWords(answer.text)})`);
    const words = readWords(answer.text);
    return this.#unavailable(exchange, `it answers ${answer.statusCode}${words === '' ? '' : `: ${words}`}`);
  }

  /** Without the cause: an error of the connection holds what the extension sent, which may be anything. */
  #unavailable({ call }: Exchange, what: string): GoferError {
    const { method, path } = CALLS[call];
    return new GoferError('UNAVAILABLE', `The extension '${this.#options.extensionId}' could not be asked (${method} ${path}): ${what}`);
  }

  /** Resolves with any answer that has a status; what comes behind that may be cut. */
  async #ask(exchange: Exchange, limit: number): Promise<Answer> {
    const { call, signal } = exchange;
    const { clock, callTimeoutMs = CALL_TIMEOUT_MS, deliveryTimeoutMs = DELIVERY_TIMEOUT_MS } = this.#options;
    const timeoutMs = call === 'deliver' ? deliveryTimeoutMs : callTimeoutMs;
    const late = new AbortController();
    const forget = clock.after(timeoutMs, () => late.abort());
    try {
      const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
      const answer = await this.#exchange(exchange, limit, both, () =>
        late.signal.aborted ? `it did not answer in full within ${timeoutMs / 1000} s` : undefined,
      );
      if (answer.cut !== undefined) signal?.throwIfAborted();
      return answer;
    } catch (error) {
      if (signal?.aborted) throw new GoferError('CANCELLED', 'the caller gave up');
      const what = late.signal.aborted
        ? `it did not answer within ${timeoutMs / 1000} s`
        : describeFault(error, this.#options.url, MAX_HEADER_BYTES);
      throw this.#unavailable(exchange, what);
    } finally {
      forget();
    }
  }

  async #exchange(
    { call, body, headers: own }: Exchange,
    limit: number,
    signal: AbortSignal,
    isLate: () => string | undefined,
  ): Promise<Answer> {
    const { method, path } = CALLS[call];
    const {
      statusCode,
      headers,
      body: coming,
    } = await (call === 'health' ? this.#probes : this.#calls).request({
      method,
      path,
      headers: {
        accept: 'application/json',
        ...own,
        ...(call === 'health' ? {} : { authorization: `Bearer ${this.#options.key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }),
      },
      ...(body === undefined ? {} : { body: body.content }),
      signal,
    });
    const most = statusCode < 300 ? limit : MAX_WORDS_BYTES;
    const { bytes, end } = await readAtMost(coming, most);
    const cut =
      end === 'whole'
        ? undefined
        : end === 'too large'
          ? `its answer is larger than ${most / 1024} KiB`
          : (isLate() ?? `its answer broke off: ${describeFault(end.error, this.#options.url, MAX_HEADER_BYTES)}`);
    const { location } = headers;
    const where = Array.isArray(location) ? location.join(', ') : (location ?? '');
    return { statusCode, location: this.#conceal(where), text: this.#conceal(new TextDecoder().decode(bytes)), cut };
  }
}

function originOf({ extensionId, url }: ExtensionClientOptions): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed.origin;
  throw new GoferError('INVALID_ARGUMENT', `the extension '${extensionId}' is said to be at "${url}", which is no URL of HTTP or HTTPS`);
}

function openPool(origin: string, connections: number, options: ExtensionClientOptions): Pool {
  return new Pool(origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Each call has one limit for all of it, which the signal keeps.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4000,
    keepAliveMaxTimeout: 4000,
    connect: {
      timeout: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
      rejectUnauthorized: options.verifyCerts,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
  });
}

function toWireName(name: SubscriptionName): object {
  return { namespace_id: name.namespaceId, pipeline_id: name.pipelineId, pipeline_subscription_id: name.subscriptionId };
}

function toBody(value: object): { readonly content: Uint8Array; readonly length: number } {
  const content = Buffer.from(JSON.stringify(value), 'utf8');
  return { content, length: content.byteLength };
}

function isSuccess({ statusCode }: Answer): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function isRedirect({ statusCode }: Answer): boolean {
  return statusCode >= 300 && statusCode < 400;
}

function describeRedirect({ statusCode, location }: Answer): string {
  const where = toLine(location);
  return `it answers ${statusCode}, a redirect${where === '' ? '' : ` to ${where}`}, and redirects are not followed`;
}
