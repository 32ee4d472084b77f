/** The laws of `rotate`. Where the harness has a next key the values are encrypted anew with that, else with the one there is. */
import { GoferError } from '../errors.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { NEVER } from './law.ts';
import type { SecretStoreLaw } from './secret-store-law.ts';
import { marker, type SecretStoreStage } from './secret-store-stage.ts';

/** Rotates with a signal that aborts at the first item; where all is done by then, nothing is left to be given up. */
async function giveUpOnTheWay(stage: SecretStoreStage): Promise<void> {
  const controller = new AbortController();
  for await (const progress of stage.store.rotate(controller.signal)) {
    if (progress.done === progress.total && !controller.signal.aborted)
      throw new GoferError('CANCELLED', 'all was done before it could be given up');
    controller.abort();
  }
}

const whereRotates = (capabilities: { readonly rotation: boolean }): boolean => capabilities.rotation;

export const rotationLaws: readonly SecretStoreLaw[] = [
  {
    name: 'rotate: tells its progress, last that all is done, and leaves the values as they are',
    when: whereRotates,
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      await stage.reopenWithNextKey('configured');
      await stage.assertAllKept(values, 'the value before');
      const last = (await stage.rotate()).at(-1);
      assert((last?.total ?? 0) >= values.size, `rotate must count every value: ${values.size}, not ${last?.total}`);
      await stage.assertAllKept(values, 'the value afterwards');
      assertEqual(await stage.listed(), [...values.keys()].toSorted(), 'the list afterwards');
    },
  },
  {
    name: 'rotate: afterwards the former key is not needed any more',
    when: whereRotates,
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      await stage.reopenWithNextKey('configured');
      const between = await stage.putMany(2);
      await stage.rotate();
      await stage.reopenWithNextKey('forgotten');
      await stage.assertAllKept(new Map([...values, ...between]), 'the value without the former key');
    },
  },
  {
    name: 'rotate: succeeds where there is nothing to do',
    when: whereRotates,
    alone: true,
    async check(stage) {
      await stage.rotate();
      const values = await stage.putMany(2);
      await stage.rotate();
      await stage.rotate();
      await stage.assertAllKept(values, 'the value');
    },
  },
  {
    name: 'rotate: every other method goes on working meanwhile',
    when: whereRotates,
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      const forgotten = [...(await stage.putMany(stage.crowd)).keys()];
      await stage.reopenWithNextKey('configured');
      const coming = new Map<string, Uint8Array>();
      const work = async (): Promise<void> => {
        const value = marker('meanwhile');
        const key = await stage.put(value);
        coming.set(key, value);
        await stage.assertKept(key, value, 'a value put meanwhile');
        await stage.assertAllKept(values, 'the value meanwhile');
        const gone = forgotten.pop();
        if (gone !== undefined) {
          await stage.store.delete(gone);
          await assertRejects(() => stage.store.get(gone), 'NOT_FOUND', 'get of what was deleted meanwhile');
        }
        const expected = [...values.keys(), ...coming.keys(), ...forgotten].toSorted();
        assertEqual(await stage.listed(), expected, 'the list meanwhile');
        await stage.store.health();
      };
      const rotating = stage.store.rotate(NEVER)[Symbol.asyncIterator]();
      let last: { readonly done: number; readonly total: number } | undefined;
      for (;;) {
        // At once with the step, and between two steps.
        const [step] = await Promise.all([rotating.next(), work()]);
        await work();
        if (step.done === true) break;
        last = step.value;
      }
      assert(last !== undefined && last.done === last.total, 'rotate must end with all done, whatever else happens');
      await stage.reopenWithNextKey('forgotten');
      await stage.assertAllKept(new Map([...values, ...coming]), 'the value afterwards');
    },
  },
  {
    name: 'rotate: may be ended early and called again, in another instance too',
    when: whereRotates,
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      await stage.reopenWithNextKey('configured');
      for (const again of ['early', 'early again']) {
        for await (const _ of stage.store.rotate(NEVER)) break;
        await stage.assertAllKept(values, `the value, left ${again}`);
      }
      await stage.reopenWithNextKey('configured');
      await stage.assertAllKept(values, 'the value in another instance');
      await stage.rotate();
      await stage.assertAllKept(values, 'the value afterwards');
      await stage.reopenWithNextKey('forgotten');
      await stage.assertAllKept(values, 'the value without the former key');
    },
  },
  {
    name: 'rotate: rejects with CANCELLED when its signal aborts, and can be called again',
    when: whereRotates,
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      await stage.reopenWithNextKey('configured');
      const before = async (): Promise<void> => {
        for await (const _ of stage.store.rotate(AbortSignal.abort())) break;
      };
      await assertRejects(before, 'CANCELLED', 'rotate with a signal that has aborted');
      await assertRejects(() => giveUpOnTheWay(stage), 'CANCELLED', 'rotate whose signal aborts on its way');
      await stage.assertAllKept(values, 'the value after an abort');
      await stage.rotate();
      await stage.assertAllKept(values, 'the value afterwards');
    },
  },
  {
    name: 'rotate: rejects with UNSUPPORTED where it is not declared',
    when: (capabilities) => !capabilities.rotation,
    async check(stage) {
      const values = await stage.putMany(1);
      const rotate = async (): Promise<void> => {
        for await (const _ of stage.store.rotate(NEVER)) break;
      };
      await assertRejects(rotate, 'UNSUPPORTED', 'rotate');
      await stage.assertAllKept(values, 'the value');
    },
  },
];
