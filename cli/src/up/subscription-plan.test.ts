import type { Subscription } from '@gofer/contracts/api';
import type { SubscriptionJson } from '@gofer/contracts/pipeline';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf, planSubscriptions, type SubscriptionStep } from './subscription-plan.ts';

const settings = fc.dictionary(fc.constantFrom('expression', 'every', '__proto__'), fc.constantFrom('a', 'b'), { noNullPrototype: true });
const names = { extension_id: fc.constantFrom('cron', 'interval'), subscription_id: fc.constantFrom('a', 'b', 'c') };
const uniquely = <T extends SubscriptionJson>(one: fc.Arbitrary<T>) => fc.uniqueArray(one, { selector: nameOf, maxLength: 6 });
const wanted = uniquely(fc.record({ ...names, settings }, { noNullPrototype: true }));
const origin = fc.constantFrom('api' as const, 'config' as const);
const existing = uniquely(fc.record({ ...names, settings, origin }, { noNullPrototype: true })).map((all) => all.map(asSubscription));

function asSubscription(part: SubscriptionJson & Pick<Subscription, 'origin'>): Subscription {
  return { namespace_id: 'default', pipeline_id: 'simple', status: 'active', status_reason: null, ...part };
}

/** What a server does with the steps. */
function applied(steps: readonly SubscriptionStep[], before: readonly Subscription[]): Map<string, Subscription> {
  const all = new Map(before.map((each) => [nameOf(each), each]));
  for (const step of steps) {
    if (step.action === 'delete') expect(all.delete(nameOf(step.before))).toBe(true);
    else if (step.action === 'create') {
      expect(all.has(nameOf(step.wanted))).toBe(false);
      all.set(nameOf(step.wanted), asSubscription({ ...step.wanted, origin: 'config' }));
    } else {
      const old = all.get(nameOf(step.wanted));
      expect(old).toBe(step.before);
      const changed = step.changesSettings ? step.wanted.settings : step.before.settings;
      all.set(nameOf(step.wanted), { ...step.before, origin: 'config', settings: changed });
    }
  }
  return all;
}

describe('the steps', () => {
  it("make exactly those of the code the code's, and leave what people have made alone", () => {
    fc.assert(
      fc.property(wanted, existing, (code, before) => {
        const after = [...applied(planSubscriptions(code, before), before).values()];
        const kept = after.filter((each) => each.origin === 'config');
        const shape = (all: readonly SubscriptionJson[]) => new Map(all.map((each) => [nameOf(each), { ...each.settings }]));
        expect(shape(kept)).toEqual(shape(code));
        const named = new Set(code.map(nameOf));
        const byHand = before.filter((each) => each.origin === 'api' && !named.has(nameOf(each)));
        expect(after.filter((each) => each.origin === 'api')).toEqual(byHand);
      }),
      { numRuns: 500 },
    );
  });

  it('are none once they are done', () => {
    fc.assert(
      fc.property(wanted, existing, (code, before) => {
        const after = [...applied(planSubscriptions(code, before), before).values()];
        expect(planSubscriptions(code, after)).toEqual([]);
      }),
    );
  });

  it('adopt what people have made where the code has the same, and say so', () => {
    const nightly = { extension_id: 'cron', subscription_id: 'nightly', settings: { expression: '0 3 * * * *' } };
    const byHand = asSubscription({ ...nightly, origin: 'api' });
    expect(planSubscriptions([nightly], [byHand])).toEqual([
      { action: 'update', wanted: nightly, before: byHand, adopts: true, changesSettings: false },
    ]);
    const ofOldServer = asSubscription({ ...nightly, settings: {} });
    expect(planSubscriptions([nightly], [ofOldServer])).toMatchObject([{ action: 'update', adopts: true, changesSettings: true }]);
    expect(planSubscriptions([], [byHand, ofOldServer])).toEqual([]);
  });
});
