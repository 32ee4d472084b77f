import type { IncomingMessage } from 'node:http';
import { RequestRefusal } from './request-refusal.ts';

/** The whole body. Rejects with 413 as soon as it is known to be larger, and with 400 where the client breaks off. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // What is too large is still to be answered, on the connection that it comes on.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RequestRefusal) throw error;
    throw new RequestRefusal(400, 'INVALID_ARGUMENT', 'The request ended before its body did.');
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(limit: number): RequestRefusal {
  return new RequestRefusal(413, 'PAYLOAD_TOO_LARGE', `The body is larger than the ${limit} bytes that this extension takes.`);
}

/** The members of a JSON object; throws 400 for anything else. */
export function parseObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw malformed('it is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed('it is not an object');
}

export function malformed(what: string): RequestRefusal {
  return new RequestRefusal(400, 'INVALID_ARGUMENT', `The body cannot be used: ${what}.`);
}

export function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value !== '') return value;
  throw malformed(`${name} must be a text`);
}

/** An object of texts. */
export function textsOf(body: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, string>> {
  const value = body[name];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const texts = new Map<string, string>();
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== 'string') throw malformed(`${name} must have texts only`);
      texts.set(key, text);
    }
    return Object.fromEntries(texts);
  }
  throw malformed(`${name} must be an object of texts`);
}
