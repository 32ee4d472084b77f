/** The laws of a login: the way of a person's browser to the back end and back. */
import { assert, assertEqual, assertRejects } from './assertions.ts';
import type { AuthTraits } from './auth-harness.ts';
import type { AuthLaw } from './auth-law.ts';
import { answerIn, assertPrincipal, loginRequest, neverIssued } from './auth-stage.ts';

/** How many log in at once. */
const CROWD = 8;

const STATES: readonly string[] = ['0', 'a.b-c_d~e', 'a&state=b', 'a b+c%20d%', '"<a>\'/?#;=', 'größe 🔑', 's'.repeat(512)];

const whereThereIsOne = ({ login }: AuthTraits): boolean => login;

export const loginLaws: readonly AuthLaw[] = [
  {
    name: 'beginLogin and completeLogin: reject with UNSUPPORTED where no login is declared',
    when: ({ login }) => !login,
    async check(stage) {
      const request = loginRequest();
      await assertRejects(() => stage.auth.beginLogin(request), 'UNSUPPORTED', 'beginLogin');
      const { token } = (await stage.issue()).credentials;
      for (const answer of [{}, { state: request.state, code: neverIssued() }, { state: request.state, token, code: token }])
        await assertRejects(() => stage.auth.completeLogin(request, answer), 'UNSUPPORTED', 'completeLogin');
    },
  },
  {
    name: 'beginLogin: resolves with an address that a browser can be sent to',
    when: whereThereIsOne,
    async check(stage) {
      const { url } = await stage.auth.beginLogin(loginRequest());
      const { protocol } = new URL(url);
      assert(['https:', 'http:'].includes(protocol), `the address must be of the web, not ${protocol}`);
    },
  },
  {
    name: 'completeLogin: resolves with who has logged in, every time',
    when: whereThereIsOne,
    async check(stage) {
      for (const time of ['first', 'second']) {
        const request = loginRequest();
        const { answer, principal } = await stage.comeBack(request);
        assertPrincipal(await stage.auth.completeLogin(request, answer), principal, `the principal of the ${time} login`);
      }
    },
  },
  {
    name: 'completeLogin: of many logins at once each gets its own person',
    when: whereThereIsOne,
    async check(stage) {
      const requests = Array.from({ length: CROWD }, () => loginRequest());
      const back = await Promise.all(requests.map((request) => stage.comeBack(request)));
      await Promise.all(
        back.map(async ({ answer, principal }, index) => {
          const request = requests[index] ?? loginRequest();
          assertPrincipal(await stage.auth.completeLogin(request, answer), principal, 'the principal, among many logins at once');
        }),
      );
    },
  },
  {
    name: 'beginLogin: the state comes back unchanged with the answer, whatever its characters',
    when: whereThereIsOne,
    async check(stage) {
      for (const state of STATES) {
        const request = loginRequest(`${state}${neverIssued()}`);
        const { answer, principal } = await stage.comeBack(request);
        assertEqual(answer.state, request.state, 'the state that came back');
        assertPrincipal(await stage.auth.completeLogin(request, answer), principal, 'the principal');
      }
    },
  },
  {
    name: 'completeLogin: rejects with UNAUTHENTICATED an answer that proves nothing',
    when: whereThereIsOne,
    async check(stage) {
      const request = loginRequest();
      const { state } = request;
      const { answer } = await stage.comeBack(request);
      const forged = Object.fromEntries(Object.keys(answer).map((name) => [name, name === 'state' ? state : neverIssued()]));
      const reduced = Object.fromEntries(Object.keys(answer).map((name) => [name, name === 'state' ? state : '']));
      for (const nothing of [{}, { state }, forged, reduced, { state, code: neverIssued() }, { state, error: 'access_denied' }])
        await assertRejects(() => stage.auth.completeLogin(request, nothing), 'UNAUTHENTICATED', 'an answer that proves nothing');
    },
  },
  {
    name: 'completeLogin: rejects with UNAUTHENTICATED the answer of another login',
    when: whereThereIsOne,
    async check(stage) {
      const [own, other] = [loginRequest(), loginRequest()];
      await stage.comeBack(own);
      const { answer } = await stage.comeBack(other);
      await assertRejects(() => stage.auth.completeLogin(own, answer), 'UNAUTHENTICATED', "another login's answer");
    },
  },
  {
    name: 'completeLogin: rejects with UNAUTHENTICATED a person who has refused, or could not prove it',
    when: ({ refusesLogin }) => refusesLogin,
    async check(stage) {
      const request = loginRequest();
      const { url } = await stage.auth.beginLogin(request);
      const back = await stage.login.refuse?.(url);
      const answer = answerIn(back?.returnedTo ?? '', request);
      await assertRejects(() => stage.auth.completeLogin(request, answer), 'UNAUTHENTICATED', 'a refused login');
    },
  },
  {
    name: 'completeLogin: rejects with UNAVAILABLE, never with a principal, while the back end cannot be asked',
    when: ({ login, canFail }) => login && canFail,
    async check(stage) {
      const request = loginRequest();
      const { answer } = await stage.comeBack(request);
      await stage.cut();
      await assertRejects(() => stage.auth.completeLogin(request, answer), 'UNAVAILABLE', 'a login, without a back end');
    },
  },
];
