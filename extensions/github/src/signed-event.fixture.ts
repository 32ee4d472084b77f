/** Events as GitHub sends them, and an extension that takes them. */
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { startTestKit } from '@gofer/sdk/extension/testing';
import { onTestFinished } from 'vitest';
import { extension } from './index.ts';

export const WEBHOOK_SECRET = '0c7d9e54b1f24c0e8a';
export const APP_KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });

const CONFIG = {
  APP_ID: '112348',
  APP_INSTALLATION: '99560091',
  APP_KEY: Buffer.from(APP_KEYS.privateKey.export({ type: 'pkcs1', format: 'pem' })).toString('base64'),
  APP_WEBHOOK_SECRET: WEBHOOK_SECRET,
};

export function sign(body: string | Uint8Array, secret = WEBHOOK_SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export function signedEvent(event: string, payload: unknown, delivery: string = randomUUID()) {
  const body = JSON.stringify(payload);
  const headers = {
    'x-github-event': event,
    'x-github-delivery': delivery,
    'x-hub-signature-256': sign(body),
    'content-type': 'application/json',
  };
  return { headers, body };
}

export async function startGithub(config: Readonly<Record<string, string>> = {}) {
  const kit = await startTestKit(extension, { id: 'github', config: { ...CONFIG, ...config } });
  onTestFinished(() => kit.close());
  const subscribe = (subscriptionId: string, repository: string, filter: string, pipelineId = 'simple') =>
    kit.subscribe({ pipelineId, subscriptionId, params: { repository, event_filter: filter } });
  return { kit, subscribe };
}
