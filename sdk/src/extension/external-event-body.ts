import type { ExternalEvent } from './extension.ts';
import { malformed, parseObject, textsOf } from './request-body.ts';

/** `{headers, body}`, the body as a list of numbers, as v0 writes it, or as base64. Throws 400 for anything else. */
export async function parseExternalEvent(json: Buffer): Promise<ExternalEvent> {
  const request = parseObject(json);
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(textsOf(request, 'headers'))) {
    const lower = name.toLowerCase();
    const earlier = headers.get(lower);
    headers.set(lower, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { headers: Object.fromEntries(headers), body: toBytes(request['body']) };
}

function toBytes(body: unknown): Uint8Array {
  if (typeof body === 'string') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) throw malformed('body is not base64');
    return Buffer.from(body, 'base64');
  }
  if (!Array.isArray(body)) throw malformed('body must be a list of bytes, or base64');
  const bytes = new Uint8Array(body.length);
  for (const [index, byte] of body.entries()) {
    if (!Number.isInteger(byte) || byte < 0 || byte > 255) throw malformed(`body[${index}] is not a byte`);
    bytes[index] = byte;
  }
  return bytes;
}
