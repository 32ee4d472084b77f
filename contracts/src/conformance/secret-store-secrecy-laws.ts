/** The laws of secrecy: nothing of a value, and nothing of a key that encrypts values, can be read anywhere. */
import { assertRejects } from './assertions.ts';
import type { SecretStoreLaw } from './secret-store-law.ts';
import { marker, repeated } from './secret-store-stage.ts';

export const secrecyLaws: readonly SecretStoreLaw[] = [
  {
    name: 'secrecy: nothing of a value or of the key is in a log line, an error or a file, while the store is open',
    alone: true,
    async check(stage) {
      const small = marker('small');
      const large = marker('large');
      const refused = marker('refused');
      const key = await stage.put(small);
      await stage.put(repeated(large, 100_000));
      await assertRejects(() => stage.store.put(key, refused), 'ALREADY_EXISTS', 'a put of a key that is kept');
      await assertRejects(() => stage.store.get(stage.key()), 'NOT_FOUND', 'get of a key that is not kept');
      await stage.assertKept(key, small);
      await stage.listed();
      await stage.assertSecret(small, large, refused);
    },
  },
  {
    name: 'secrecy: nothing of a value or of the key is in a file after close, and after delete',
    alone: true,
    async check(stage) {
      const kept = marker('kept');
      const forgotten = marker('forgotten');
      const key = await stage.put(kept);
      await stage.store.delete(await stage.put(repeated(forgotten, 100_000)));
      await stage.store.close();
      await stage.assertSecret(kept, forgotten);
      await stage.reopen();
      await stage.assertKept(key, kept);
      await stage.assertSecret(kept, forgotten);
    },
  },
  {
    name: 'secrecy: nothing of a value or of a key is in a log line, an error or a file while keys rotate, and afterwards',
    when: (capabilities) => capabilities.rotation,
    alone: true,
    async check(stage) {
      const values = [...(await stage.putMany(stage.crowd)).values()];
      await stage.reopenWithNextKey('configured');
      for await (const progress of stage.store.rotate(new AbortController().signal)) {
        if (progress.done < progress.total) await stage.assertSecret(...values.slice(0, 4), ...values.slice(-4));
      }
      await stage.assertSecret(...values);
      await stage.reopenWithNextKey('forgotten');
      await stage.assertSecret(...values);
    },
  },
];
