/** Events from outside: their listener, their service, and what hands them to extensions. */
import { EXTERNAL_EVENTS_ADDRESS, type LoadedServerConfig } from '@gofer/config';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import { createExternalEventsServer } from '../http/index.ts';
import { StoredDeliveryService } from '../services/delivery-service.ts';
import type { Container } from './container.ts';
import { ExternalEvents } from './external-events.ts';
import { TOKENS } from './tokens.ts';

export function registerExternalEvents(container: Container, { config, developmentMode }: LoadedServerConfig): void {
  const { external_events: events, limits, server } = config;
  container.register(
    TOKENS.deliveryDispatcher,
    () =>
      new DeliveryDispatcher({
        store: container.resolve(TOKENS.store),
        calls: container.resolve(TOKENS.extensionCalls),
        clock: SYSTEM_CLOCK,
        random: Math.random,
        log: container.resolve(TOKENS.log),
      }),
  );
  container.register(
    TOKENS.deliveries,
    () =>
      new StoredDeliveryService({
        store: container.resolve(TOKENS.store),
        dispatcher: container.resolve(TOKENS.deliveryDispatcher),
        disk: container.resolve(TOKENS.disk),
        maxPending: events.max_pending,
        // One that is allowed must have room when it comes alone.
        maxStoredBytes: Math.max(events.max_stored_size, events.max_body_size + limits.max_header_size * 4),
        now: Date.now,
      }),
  );
  container.register(
    TOKENS.externalEvents,
    () => {
      const log = container.resolve(TOKENS.log);
      const options = {
        config: events,
        limits,
        trustedProxies: server.trusted_proxies,
        requestTimeout: server.request_timeout,
        certificates: container.resolve(TOKENS.eventCertificates),
        deliveries: container.resolve(TOKENS.deliveries),
        log,
      };
      return new ExternalEvents({
        server: events.enable ? createExternalEventsServer(options) : undefined,
        dispatcher: container.resolve(TOKENS.deliveryDispatcher),
        mayMiss: developmentMode && events.bind_address === EXTERNAL_EVENTS_ADDRESS,
        graceMs: server.shutdown_timeout * 1000,
        log,
      });
    },
    (externalEvents) => externalEvents.close(),
  );
}
