import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { SecretChanges } from '../extensions/secret-changes.ts';
import { SubscriptionKeeper } from '../extensions/subscription-keeper.ts';
import { StoredSubscriptionService } from '../services/subscription-service.ts';
import type { Container } from './container.ts';
import { TOKENS } from './tokens.ts';

export function registerSubscriptions(container: Container): void {
  const parts = () => ({
    store: container.resolve(TOKENS.store),
    calls: container.resolve(TOKENS.extensionCalls),
    references: container.resolve(TOKENS.references),
    leave: container.resolve(TOKENS.leave).signal,
  });
  container.register(
    TOKENS.subscriptionKeeper,
    () =>
      new SubscriptionKeeper({
        ...parts(),
        deliveries: container.resolve(TOKENS.deliveryDispatcher),
        clock: SYSTEM_CLOCK,
        log: container.resolve(TOKENS.log),
      }),
    (keeper) => keeper.settled(),
  );
  container.register(
    TOKENS.secretChanges,
    () => {
      const { store, leave } = parts();
      const [keeper, manager] = [container.resolve(TOKENS.subscriptionKeeper), container.resolve(TOKENS.extensionManager)];
      return new SecretChanges({ store, keeper, manager, clock: SYSTEM_CLOCK, log: container.resolve(TOKENS.log), leave });
    },
    (changes) => changes.settled(),
  );
  container.register(
    TOKENS.subscriptions,
    () =>
      new StoredSubscriptionService({
        ...parts(),
        lookup: container.resolve(TOKENS.lookup),
        keeper: container.resolve(TOKENS.subscriptionKeeper),
        now: Date.now,
      }),
  );
}
