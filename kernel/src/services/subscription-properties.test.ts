/** Whatever is asked for, and whoever dies meanwhile: in the end the extension has what is stored and enabled, each once. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, SubscriptionStage } from './subscription-stage.fixture.ts';

interface Kept {
  every: string;
  enabled: boolean;
}

const id = fc.constantFrom('a', 'b');
const every = fc.constantFrom('1m', '2m', 'never');
/** What the server dies of: a call to the extension that has taken effect and is not answered yet. */
const fate = fc.constantFrom('none', 'none', 'none', 'server dies', 'extension breaks');
const step = fc.oneof(
  fc.record({ what: fc.constant('create'), id, every, fate }),
  fc.record({ what: fc.constant('settings'), id, every, fate }),
  fc.record({ what: fc.constantFrom('enable', 'disable', 'delete'), id, every: fc.constant(''), fate }),
  fc.record({
    what: fc.constantFrom('restart extension', 'restart asking', 'restart server', 'crash both'),
    id: fc.constant(''),
    every: fc.constant(''),
    fate: fc.constant('none'),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

async function request(stage: SubscriptionStage, { what, id, every }: Step): Promise<void> {
  if (what === 'create') await stage.create(at(id), { every });
  else if (what === 'settings') await stage.update(at(id), { settings: { every } });
  else if (what === 'delete') await stage.service.delete(at(id));
  else await stage.update(at(id), { status: what === 'enable' ? 'active' : 'disabled' });
}

/** What somebody who was answered so takes for granted; `unknown` where the server died before it answered. */
function expected(model: Map<string, Kept>, { what, id, every }: Step): 'refused' | (() => void) {
  const kept = model.get(id);
  if (what === 'create') return kept !== undefined || every === 'never' ? 'refused' : () => void model.set(id, { every, enabled: true });
  if (kept === undefined) return 'refused';
  if (what === 'delete') return () => void model.delete(id);
  if (what === 'settings') {
    if (every === 'never' && kept.enabled) return 'refused';
    return () => void model.set(id, { ...kept, every });
  }
  const enabled = what === 'enable';
  if (enabled && !kept.enabled && kept.every === 'never') return 'refused';
  return () => void model.set(id, { ...kept, enabled });
}

function stored(stage: SubscriptionStage): Record<string, Kept> {
  const rows = stage.store.subscriptions.list('uid-of-one', -1, 0);
  return Object.fromEntries(
    rows.map(({ subscriptionId, settings, enabled }) => [subscriptionId, { every: settings['every'] ?? '', enabled }]),
  );
}

async function perform(stage: SubscriptionStage, model: Map<string, Kept>, step: Step): Promise<void> {
  const { extension } = stage;
  if (step.what === 'restart extension' || step.what === 'restart asking') {
    await stage.stop();
    return stage.start({ asking: step.what === 'restart asking' });
  }
  if (step.what === 'restart server' || step.what === 'crash both') {
    await stage.crash();
    await stage.enter();
    if (step.what === 'crash both') await stage.stop();
    return step.what === 'crash both' ? stage.start() : stage.adopt();
  }
  let isHit = false;
  if (step.fate !== 'none') {
    extension.beforeAnswer = async () => {
      if (isHit) return;
      isHit = true;
      if (step.fate === 'server dies') return stage.crash();
      extension.broken = () => true;
      await stage.stopClient();
    };
  }
  const outcome = expected(model, step);
  const error: unknown = await request(stage, step).then(
    () => undefined,
    (thrown: unknown) => thrown ?? 'rejected',
  );
  if (!(isHit && step.fate === 'server dies')) await stage.keeper.settled();
  extension.beforeAnswer = () => undefined;
  extension.broken = () => false;
  if (isHit) {
    if (step.fate === 'server dies') await stage.enter();
    await stage.adopt();
    await stage.keeper.settled();
  }
  if (error === undefined) {
    expect(outcome).not.toBe('refused');
    if (outcome !== 'refused') outcome();
  } else if (outcome !== 'refused') expect(isHit || error).toBe(true);
  // Nobody was answered by a server that died: either is right, but not something else.
  expect(stored(stage)).toEqual(Object.fromEntries(model));
}

it('an extension has what is stored and enabled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const stage = await SubscriptionStage.open();
      const model = new Map<string, Kept>();
      try {
        await stage.start();
        for (const each of steps) await perform(stage, model, each);
        await stage.keeper.settled();
        for (let round = 0; round < 20 && stage.clock.advance(); round += 1) await stage.keeper.settled();
        const wanted = [...model].filter(([, { enabled, every }]) => enabled && every !== 'never');
        const held = stage.extension.held.map(({ name, params }) => `${name} ${params['every']}`);
        expect(held.toSorted()).toEqual(wanted.map(([id, { every }]) => `one/${id} ${every}`).toSorted());
        expect(stage.store.subscriptions.unfinished()).toEqual([]);
        expect(stage.logged).toEqual([]);
      } finally {
        await stage.close();
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
