/** The laws of an instance's own life, and of a back end that cannot be asked. */
import { assertEqual, assertRejects } from './assertions.ts';
import type { AuthTraits } from './auth-harness.ts';
import type { AuthLaw } from './auth-law.ts';
import { AT_ONCE, neverIssued } from './auth-stage.ts';

const whereItCanFail = ({ canFail }: AuthTraits): boolean => canFail;

export const lifeLaws: readonly AuthLaw[] = [
  {
    name: 'capabilities: are what was declared',
    async check(stage) {
      assertEqual({ ...stage.auth.capabilities }, { ...stage.harness.capabilities }, 'the capabilities');
    },
  },
  {
    name: 'health: resolves while the back end can be used',
    async check(stage) {
      await stage.auth.health();
    },
  },
  {
    name: 'health: rejects with UNAVAILABLE while the back end cannot be used, and resolves afterwards',
    when: whereItCanFail,
    async check(stage) {
      await stage.cut();
      await assertRejects(() => stage.auth.health(), 'UNAVAILABLE', 'health, without a back end');
      await stage.restore();
      await stage.untilAvailable(() => stage.auth.health());
    },
  },
  {
    name: 'authenticate: rejects with UNAVAILABLE, never with a principal, while the back end cannot be asked',
    when: whereItCanFail,
    async check(stage) {
      const bad = [];
      for (const kind of stage.traits.kinds) if (kind !== 'good') bad.push(await stage.issue(kind));
      const good = await stage.issue();
      await stage.cut();
      const ask = () => stage.auth.authenticate(good.credentials);
      await assertRejects(ask, 'UNAVAILABLE', 'good credentials, without a back end');
      const many = Array.from({ length: AT_ONCE }, () =>
        assertRejects(ask, 'UNAVAILABLE', 'good credentials, without a back end, at once'),
      );
      await Promise.all(many);
      // Some of these can be told from good ones without asking.
      for (const token of [neverIssued(), `${good.credentials.token}A`, ...bad.map(({ credentials }) => credentials.token)])
        await assertRejects(() => stage.ask(token), ['UNAVAILABLE', 'UNAUTHENTICATED'], 'bad credentials, without a back end');
    },
  },
  {
    name: 'authenticate: what was accepted before is rejected with UNAVAILABLE, too, or answered as long as answers are kept',
    when: whereItCanFail,
    async check(stage) {
      const issued = await stage.issue();
      await stage.assertAccepted(issued);
      await stage.cut();
      await stage.assertUnavailable(issued);
    },
  },
  {
    name: 'authenticate: gives its answers again once the back end can be asked',
    when: whereItCanFail,
    async check(stage) {
      const issued = await stage.issue();
      await stage.cut();
      await assertRejects(() => stage.auth.authenticate(issued.credentials), 'UNAVAILABLE', 'good credentials, without a back end');
      await stage.restore();
      await stage.untilAvailable(() => stage.auth.authenticate(issued.credentials));
      await stage.assertAccepted(issued, 'the principal, once the back end can be asked');
      await stage.assertRefused(neverIssued(), 'a token that was never issued, once the back end can be asked');
    },
  },
  {
    name: 'close: a second call does nothing',
    alone: true,
    async check(stage) {
      const { auth } = stage;
      await Promise.all([auth.close(), auth.close()]);
      await auth.close();
      await stage.reopen();
      await stage.assertAccepted(await stage.issue());
    },
  },
];
