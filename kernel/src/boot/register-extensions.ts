/** What starts pipelines by themselves: extensions, the subscriptions to them, and the events from outside that they are handed. */
import { GoferError } from '@gofer/contracts';
import type { DeliveryService, ExtensionService, SubscriptionService } from '../services/services.ts';
import type { Container } from './container.ts';
import { TOKENS } from './tokens.ts';

export function registerExtensions(container: Container): void {
  container.register(TOKENS.extensionService, () => unfinished<ExtensionService>());
  container.register(TOKENS.subscriptions, () => unfinished<SubscriptionService>());
  container.register(TOKENS.deliveries, () => unfinished<DeliveryService>());
}

function unfinished<Service extends object>(): Service {
  const refuse = async (): Promise<never> => {
    throw new GoferError('UNSUPPORTED', 'This server cannot do that yet.');
  };
  return new Proxy({} as Service, { get: () => refuse });
}
