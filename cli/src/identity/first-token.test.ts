import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runInProcess } from '../testing/run-in-process.ts';
import { startTestServer } from '../testing/test-server.ts';

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/u;

describe('from nothing', () => {
  it('to a first token, a login, a role, a token with it, its end, and the audit of all that', async () => {
    const server = await startTestServer('fake', {
      'development.bypass_auth': 'false',
      'secret_store.sqlite.encryption_key': 'k'.repeat(32),
    });
    const home = await mkdtemp(join(tmpdir(), 'gofer-cli-first-'));
    const gofer = (line: string, stdin?: string, env: Record<string, string> = {}) =>
      runInProcess(line.split(' '), {
        workingDirectory: home,
        env: { GOFER_API_BASE_URL: server.url, ...env },
        ...(stdin === undefined ? {} : { stdin }),
      });
    try {
      const locked = await gofer('pipeline list');
      expect(locked).toMatchObject({ code: 4, stdout: '' });
      expect(locked.stderr).toMatch(/needs a token[\s\S]*gofer login, or set GOFER_TOKEN[\s\S]*gofer token bootstrap/u);
      expect(await gofer('context')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^You are +nobody: no token is sent$/mu) });

      const first = await gofer('token bootstrap');
      expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('shown this once') });
      expect(first.stdout).toMatch(/^✓ Created token \S{36} for bootstrap \(roles: bootstrap; expires: never\)\ngofer_\S+\n$/u);
      expect(await gofer('service token bootstrap')).toMatchObject({ code: 5, stderr: expect.stringContaining('created already') });

      const root = first.stdout.split('\n')[1] ?? '';
      const login = await gofer('login --token-stdin', `${root}\n`);
      const file = join(home, '.config', 'gofer.toml');
      expect(login).toEqual({
        code: 0,
        stdout: `✓ Logged in to ${server.url}/ as bootstrap (roles: bootstrap)\n  The token is kept in ${file}\n`,
        stderr: '',
      });
      expect(await readFile(file, 'utf8')).toBe(`token = "${root}"\n`);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await stat(join(home, '.config'))).mode & 0o777).toBe(0o700);
      expect((await gofer('context')).stdout).toMatch(/^Token +set, by \S+gofer\.toml:1\nYou are +bootstrap \(roles: bootstrap\)$/mu);

      const role = await gofer('role create watcher Watches -p namespaces:^def.*,pipelines,runs,task_executions=read');
      expect(role).toMatchObject({ code: 0, stderr: '' });
      expect(role.stdout).toMatch(
        /^✓ Created role watcher\n\nRESOURCE +TARGET +READ +WRITE +DELETE\nnamespaces +\^def\.\* +✓ +- +-\npipelines +all +✓ +- +-\nruns +- +✓ /u,
      );

      const made = await gofer('token create ada -r watcher -e 1d -m team=platform');
      const [id = ''] = UUID.exec(made.stdout) ?? [];
      const secret = made.stdout.split('\n')[1] ?? '';
      expect(made.stdout).toMatch(/^✓ Created token \S{36} for ada \(roles: watcher; expires: 20\S+Z\)\n/u);
      const ada = (line: string) => gofer(line, undefined, { GOFER_TOKEN: secret });
      const whoami = await ada('token whoami');
      expect(whoami.stdout).toMatch(
        /^Token \S{36} :: active\n\n {2}User {7}ada\n {2}Roles {6}watcher\n {2}Created {4}.+\n {2}Expires {4}in .+\n {2}Last used .+\n {2}Metadata {3}team=platform\n$/u,
      );
      expect((await ada('service token whoami --output-format json')).stdout).toContain('"user": "ada"');
      expect(await ada('run list simple')).toMatchObject({ code: 3 });
      const denied = await ada('run start simple');
      expect(denied).toMatchObject({ code: 4, stdout: '' });
      expect(denied.stderr).toMatch(/^x .*write on namespaces:default, pipelines:simple.*'ada' has the role watcher/u);

      expect(await gofer(`token disable ${id}`)).toMatchObject({ code: 0, stdout: `✓ Disabled token ${id}\n` });
      const disabled = await ada('token whoami');
      expect(disabled).toMatchObject({ code: 4, stderr: expect.stringContaining('The token that was sent comes from GOFER_TOKEN.') });
      expect(disabled.stderr).not.toContain(secret);
      expect((await gofer('token list')).stdout).toMatch(new RegExp(`^${id} +ada +watcher .* disabled$`, 'mu'));
      expect(await ada('context')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^You are +not known: .*disabled/mu) });
      await gofer(`token enable ${id}`);
      expect(await ada('token whoami')).toMatchObject({ code: 0 });
      await gofer(`token delete ${id}`);
      expect(await ada('token whoami')).toMatchObject({ code: 4 });

      const audit = await gofer('audit list --limit 8');
      const lines = audit.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/u));
      expect(lines.map(([, user, operation, , result]) => [user, operation, result])).toEqual([
        ['USER', 'OPERATION', 'RESULT'],
        ['bootstrap', 'delete_token', 'success'],
        ['bootstrap', 'update_token', 'success'],
        ['bootstrap', 'update_token', 'success'],
        ['ada', 'start_run', 'PERMISSION_DENIED'],
        ['bootstrap', 'create_token', 'success'],
        ['bootstrap', 'create_role', 'success'],
        ['-', 'create_bootstrap_token', 'success'],
      ]);
      expect(lines[1]?.[3]).toBe(`id=${id}`);

      expect(await gofer('logout')).toMatchObject({ code: 0, stdout: `✓ Took the token out of ${file}\n` });
      expect(await readFile(file, 'utf8')).toBe('');
      expect(await gofer('logout')).toMatchObject({ code: 0, stdout: `✓ There is no token in ${file}\n` });
      expect(await gofer('token whoami')).toMatchObject({ code: 4 });
    } finally {
      await server.close();
      await rm(home, { recursive: true, force: true });
    }
  });
});
