/** The laws of secrecy: nothing of a credential can be read anywhere. */
import { assert, assertRejects } from './assertions.ts';
import type { AuthLaw } from './auth-law.ts';
import { type AuthStage, answerIn, loginRequest, neverIssued } from './auth-stage.ts';

const SHA_256 = /^[0-9a-f]{64}$/;

export const secrecyLaws: readonly AuthLaw[] = [
  {
    name: 'secrecy: nothing of a credential is in a log line, an error, a principal or a file, while the plugin is open',
    alone: true,
    async check(stage) {
      await stage.assertSecret(...(await showEverything(stage)));
    },
  },
  {
    name: 'secrecy: nothing of a credential is in a file after close, or when it was opened again',
    alone: true,
    async check(stage) {
      const secrets = await showEverything(stage);
      await stage.auth.close();
      await stage.assertSecret(...secrets);
      await stage.reopen();
      await stage.assertSecret(...secrets);
    },
  },
  {
    name: 'secrecy: nothing of a credential is in a log line, an error or a file while the back end cannot be asked',
    when: ({ canFail }) => canFail,
    alone: true,
    async check(stage) {
      const { credentials } = await stage.issue();
      const unknown = neverIssued();
      await stage.cut();
      await assertRejects(() => stage.auth.authenticate(credentials), 'UNAVAILABLE', 'good credentials, without a back end');
      await assertRejects(() => stage.ask(unknown), ['UNAVAILABLE', 'UNAUTHENTICATED'], 'an unknown token, without a back end');
      await stage.assertSecret(credentials.token, unknown);
    },
  },
  {
    name: 'secrecy: the tokens of the kernel are asked for by nothing but a SHA-256 in small hexadecimal letters',
    alone: true,
    async check(stage) {
      await showEverything(stage);
      await stage.auth.health();
      for (const hash of stage.asked)
        assert(SHA_256.test(hash), `host.tokens was asked for ${JSON.stringify(hash)}, which is not the SHA-256 of a token`);
    },
  },
  {
    name: 'secrecy: nothing of what proves a login is in a log line, an error, a principal or a file',
    when: ({ login }) => login,
    alone: true,
    async check(stage) {
      const secrets: string[] = [];
      const comeBack = async (request = loginRequest()) => {
        const { url } = await stage.auth.beginLogin(request);
        const answer = answerIn((await stage.login.approve(url)).returnedTo, request);
        secrets.push(...Object.values(answer).filter((value) => value !== request.state && value.length >= 16));
        return { request, answer };
      };
      const { request, answer } = await comeBack();
      await stage.auth.completeLogin(request, answer);
      const other = await comeBack();
      await assertRejects(() => stage.auth.completeLogin(loginRequest(), other.answer), 'UNAUTHENTICATED', "another login's answer");
      const forged = Object.fromEntries(Object.keys(answer).map((name) => [name, neverIssued()]));
      await assertRejects(() => stage.auth.completeLogin(request, forged), 'UNAUTHENTICATED', 'a forged answer');
      await stage.assertSecret(...secrets, ...Object.values(forged));
    },
  },
];

/** Shows credentials of every kind, good and bad, and gives what must be found nowhere. */
async function showEverything(stage: AuthStage): Promise<readonly string[]> {
  const good = await stage.issue();
  const secrets = [good.credentials.token];
  await stage.assertAccepted(good);
  await stage.assertRefused(`${good.credentials.token}A`, 'a token that is longer than a good one');
  for (const kind of stage.traits.kinds) {
    if (kind === 'good') continue;
    const { credentials } = await stage.issue(kind);
    await stage.assertRefused(credentials.token, `${kind} credentials`);
    secrets.push(credentials.token);
  }
  for (const bad of ['', '\n', 'é', 'A'.repeat(4096)]) {
    const unknown = neverIssued();
    await stage.assertRefused(unknown + bad, 'a token that was never issued');
    secrets.push(unknown);
  }
  return secrets;
}
