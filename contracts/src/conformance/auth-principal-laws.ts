/** The laws of good credentials: whom they belong to, as often and as much at once as it is asked. */

import type { AuthLaw } from './auth-law.ts';
import { AT_ONCE, type AuthStage, neverIssued } from './auth-stage.ts';

export const principalLaws: readonly AuthLaw[] = [
  {
    name: 'authenticate: resolves with whom good credentials belong to, as plain data',
    async check(stage) {
      for (const issued of await issueMany(stage, 3)) await stage.assertAccepted(issued);
    },
  },
  {
    name: 'authenticate: gives the same answer every time, and in another instance',
    async check(stage) {
      const issued = await stage.issue();
      await stage.assertAccepted(issued);
      await stage.assertAccepted(issued, 'the second answer');
      await stage.reopen();
      await stage.assertAccepted(issued, 'the answer of another instance');
    },
  },
  {
    name: `authenticate: asked for the same ${AT_ONCE} times at once gives equal answers`,
    async check(stage) {
      const issued = await stage.issue();
      await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => stage.assertAccepted(issued, `answer ${index + 1} of many at once`)));
    },
  },
  {
    name: 'authenticate: of many at once each gets its own answer, and refusals take nothing from the others',
    async check(stage) {
      const issued = await issueMany(stage, 8);
      const asking: Promise<void>[] = [];
      for (let round = 0; round < AT_ONCE / issued.length; round++) {
        for (const each of issued) {
          asking.push(stage.assertAccepted(each, 'the principal, among many at once'));
          asking.push(stage.assertRefused(neverIssued(), 'credentials that were never issued, among many at once'));
        }
      }
      await Promise.all(asking);
      for (const each of issued) await stage.assertAccepted(each, 'the principal, after many refusals');
    },
  },
];

async function issueMany(stage: AuthStage, count: number) {
  const issued = [];
  for (let index = 0; index < count; index++) issued.push(await stage.issue());
  return issued;
}
