/** From the bytes that came in to an event that is known to be GitHub's. */
import { createHash } from 'node:crypto';
import { type ExternalEvent, Refusal } from '@gofer/sdk/extension';
import { verify } from '@octokit/webhooks-methods';

export interface GithubDelivery {
  /** GitHub's id of it (`X-GitHub-Delivery`). Not signed: who has a signed body may send it under another. */
  readonly id: string;
  /** `X-GitHub-Event`; not signed either. */
  readonly event: string;
  readonly payload: unknown;
  /** Stands for the signature, and so for the body: hexadecimal SHA-256. */
  readonly fingerprint: string;
}

/** Throws a `Refusal` for what is not signed by GitHub, or is not what GitHub sends. */
export async function readDelivery({ headers, body }: ExternalEvent, webhookSecret: string): Promise<GithubDelivery> {
  const signature = headers['x-hub-signature-256'];
  if (signature === undefined || signature === '') {
    throw new Refusal('The event has no X-Hub-Signature-256: set the webhook secret of the GitHub app.');
  }
  const text = decode(body);
  // Text that decodes strictly is as good as its bytes: there is one encoding of it.
  if (text === undefined || text === '' || !(await verify(webhookSecret, text, signature))) {
    throw new Refusal("The event's signature is not that of its body: APP_WEBHOOK_SECRET is to be the webhook secret of the GitHub app.");
  }
  const event = headers['x-github-event'] ?? '';
  if (!/^[a-z0-9_]{1,100}$/.test(event)) throw new Refusal('The event does not say in X-GitHub-Event what it is.');
  const id = headers['x-github-delivery'] ?? '';
  if (!/^[a-zA-Z0-9-]{1,100}$/.test(id)) throw new Refusal('The event has no id in X-GitHub-Delivery.');
  const payload = parsePayload(text, headers['content-type'] ?? '');
  return { id, event, payload, fingerprint: createHash('sha256').update(signature).digest('hex') };
}

function decode(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    // No text: nothing that GitHub has signed.
    return undefined;
  }
}

function parsePayload(text: string, contentType: string): unknown {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  let json: string | null;
  if (type === 'application/json') json = text;
  else if (type === 'application/x-www-form-urlencoded') json = new URLSearchParams(text).get('payload');
  else throw new Refusal('The content type of the webhook is to be application/json or application/x-www-form-urlencoded.');
  if (json === null) throw new Refusal('The form that came has no field "payload".');
  let payload: unknown;
  try {
    payload = JSON.parse(json);
  } catch {
    throw new Refusal('The event is no JSON.');
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) throw new Refusal('The event is no JSON object.');
  return payload;
}
