import { GoferError } from '@gofer/contracts';
import { expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import { DeliveryStage } from '../extensions/delivery-stage.fixture.ts';
import { createExternalEventsServer } from '../http/index.ts';
import { LIMITS } from '../http/test-client.fixture.ts';
import { ExternalEvents } from './external-events.ts';

it('is done without on the usual address of a server for development, where that is taken: with a warning', async () => {
  const stage = new DeliveryStage();
  const refuse = async (): Promise<never> => {
    throw new GoferError('NOT_FOUND', 'There is none.');
  };
  const server = (bindAddress: string) =>
    createExternalEventsServer({
      config: { bind_address: bindAddress, max_body_size: 1024, requests_per_minute: 0, sender_requests_per_minute: 0 },
      limits: { ...LIMITS, failed_authentications: 0 },
      trustedProxies: [],
      requestTimeout: 30,
      certificates: undefined,
      deliveries: { assertAccepts: refuse, accept: refuse },
      log: stage.log,
    });
  const dispatcher = () =>
    new DeliveryDispatcher({ store: stage.store, calls: stage, clock: SYSTEM_CLOCK, random: () => 0, log: stage.log });
  const part = (bindAddress: string, mayMiss: boolean) =>
    new ExternalEvents({ server: server(bindAddress), dispatcher: dispatcher(), mayMiss, graceMs: 1000, log: stage.log });
  const first = part('127.0.0.1:0', false);
  await first.open();
  const host = new URL(first.url ?? '').host;
  const second = part(host, true);
  await second.open();
  expect(second.url).toBeUndefined();
  expect(stage.logged).toEqual([expect.stringMatching(/^warn events from outside are not taken: .*external_events\.enable = false/)]);
  await expect(part(host, false).open()).rejects.toMatchObject({ code: 'LOCKED' });
  await second.close();
  await first.close();
  await stage.close();
});
