/** On a terminal of its own: what is asked for, and what becomes of the answers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { LAUNCHER } from '../testing/launch.ts';
import { betweenSettings, onTerminal, settingsOf, type TerminalStep } from '../testing/on-terminal.ts';
import { type ScriptedAnswer, type ScriptedServer, type SentRequest, startScriptedServer } from '../testing/scripted-server.ts';

const REGISTRATION = {
  extension_id: 'github',
  image: 'builtin:github',
  settings: [],
  modified: 1,
  status: 'enabled',
  additional_roles: [],
};
const NOTHING = { config_params: [], pipeline_subscription_params: [], body: '' };
const DOCUMENTED = {
  config_params: [
    { key: 'APP_ID', required: true, documentation: 'The id of the app.' },
    { key: 'APP_KEY', required: true, documentation: 'Its private key.' },
    { key: 'API_URL', required: false, documentation: '' },
  ],
  pipeline_subscription_params: [
    { key: 'repository', required: true, documentation: 'OWNER/NAME' },
    { key: 'event_filter', required: false, documentation: 'Which events.' },
    { key: 'shared_token', required: false, documentation: '' },
  ],
  body: '',
};
const extension = (documentation: typeof DOCUMENTED | typeof NOTHING, more: object = {}) => ({
  registration: REGISTRATION,
  url: '',
  started: 0,
  state: 'running',
  documentation,
  ...more,
});

let home: string;
let server: ScriptedServer | undefined;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gofer-cli-asking-'));
});
afterAll(async () => await rm(home, { recursive: true, force: true }));
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function run(
  words: string,
  answer: (request: SentRequest) => ScriptedAnswer | undefined,
  steps: readonly TerminalStep[],
): Promise<{ seen: string; sent: readonly SentRequest[] }> {
  server = await startScriptedServer(answer);
  const command = betweenSettings(`"${process.execPath}" "${LAUNCHER}" ${words}`);
  const seen = await onTerminal(command, { directory: home, env: { GOFER_API_BASE_URL: server.url }, steps });
  const [before, after] = settingsOf(seen);
  expect(before).toBeDefined();
  expect(after).toBe(before);
  return { seen, sent: server.requests.filter(({ line }) => !line.startsWith('GET ')) };
}

it('a subscription: what is required is asked for until it is there, and what looks like a secret is not shown', async () => {
  const { seen, sent } = await run(
    'pipeline subscribe simple github run_tests -i',
    ({ line }) =>
      line.startsWith('GET /api/extensions/github')
        ? [200, { extension: extension(DOCUMENTED) }]
        : [201, { subscription: { status: 'active' } }],
    [
      { after: 'repository: ', type: '\r' },
      { after: 'it is required', type: '' },
      { after: 'repository: ', type: 'a/b\r' },
      { after: 'event_filter: ', type: '\r' },
      { after: 'nothing is shown): ', type: 'hush\r' },
    ],
  );
  expect(seen).toContain('repository (required)\r\n  OWNER/NAME');
  expect(seen).not.toContain('hush');
  expect(seen).toContain('exit 0');
  expect(sent).toMatchObject([
    { body: { extension_id: 'github', subscription_id: 'run_tests', settings: { repository: 'a/b', shared_token: 'hush' } } },
  ]);
});

it('a subscription of somebody who may not see the extension: by lines', async () => {
  const { seen, sent } = await run(
    'pipeline subscribe simple github run_tests -i',
    ({ line }) =>
      line.startsWith('GET /api/extensions/github')
        ? [401, { error_code: 'PERMISSION_DENIED', message: 'This needs the permission read on extensions:github', request_id: 'r1' }]
        : [201, { subscription: { status: 'active' } }],
    [{ after: 'KEY=VALUE: ', type: 'repository=a/b\r\r' }],
  );
  expect(seen).toContain('Your token may not see what github takes: that needs a role with read on extensions.');
  expect(seen).toContain('exit 0');
  expect(sent).toMatchObject([{ body: { settings: { repository: 'a/b' } } }]);
});

it('an extension that does not start without settings: by lines first, then for what it documents once it runs', async () => {
  const { seen, sent } = await run(
    'extension install github -i --wait 1',
    ({ line }) => {
      if (line === 'GET /api/extensions') return [200, { extensions: [] }];
      if (line.startsWith('POST'))
        return [201, { extension: extension(NOTHING, { state: 'exited', last_error: { message: 'APP_ID is missing', at: 2 } }) }];
      if (line.startsWith('PATCH')) return [204];
      return [200, { extension: extension(DOCUMENTED) }];
    },
    [
      { after: 'KEY=VALUE: ', type: 'APP_KEY\r' },
      { after: 'must be KEY=VALUE', type: '' },
      { after: 'KEY=VALUE: ', type: 'EXTRA=1\r' },
      { after: 'KEY=VALUE: ', type: '\r' },
      { after: 'It does not run: APP_ID is missing', type: '' },
      { after: 'KEY=VALUE: ', type: 'APP_ID=7\r\r' },
      { after: 'APP_KEY (nothing is shown): ', type: 'hush\r' },
      { after: 'API_URL: ', type: '\r' },
    ],
  );
  expect(seen).toContain('it runs');
  expect(seen).not.toContain('hush');
  expect(sent.map(({ body }) => (body as { settings: unknown }).settings)).toEqual([{ EXTRA: '1' }, { APP_ID: '7' }, { APP_KEY: 'hush' }]);
});

it('an extension of an image that is installed already: for what that documents', async () => {
  const { sent } = await run(
    'extension install github-two builtin:github -i -c APP_ID=7',
    ({ line }) => (line.startsWith('GET') ? [200, { extensions: [extension(DOCUMENTED)] }] : [201, { extension: extension(DOCUMENTED) }]),
    [
      { after: 'APP_KEY (nothing is shown): ', type: 'hush\r' },
      { after: 'API_URL: ', type: '\r' },
    ],
  );
  expect(sent).toMatchObject([{ body: { id: 'github-two', image: 'builtin:github', settings: { APP_ID: '7', APP_KEY: 'hush' } } }]);
});
