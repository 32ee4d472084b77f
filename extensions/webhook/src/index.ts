import type { ExtensionFactory } from '@gofer/sdk/extension';
import { WebhookExtension } from './webhook-extension.ts';

export const extension: ExtensionFactory = (host) => new WebhookExtension(host);
