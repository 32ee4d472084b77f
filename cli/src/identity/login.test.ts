import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../../kernel/src/tls/certificates.fixture.ts';
import { IdentityStage } from '../testing/identity-stage.ts';
import { LAUNCHER } from '../testing/launch.ts';
import { betweenSettings, onTerminal, settingsOf } from '../testing/on-terminal.ts';
import { type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { startTestServer } from '../testing/test-server.ts';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'limits.failed_authentications': '0' });
});
afterAll(async () => await stage?.close());

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gofer-cli-login-'));
});
afterEach(async () => await rm(home, { recursive: true, force: true }));

const gofer = (argv: readonly string[], options: RunOptions = {}) => stage.gofer(argv, { workingDirectory: home, ...options });
const login = (argv: readonly string[] = [], options: RunOptions = {}) =>
  gofer(['login', '--token-stdin', ...argv], { stdin: `${stage.root}\n`, ...options });
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('login', () => {
  it('changes the token in the file that is read, and nothing else in it', async () => {
    const file = join(home, '.gofer.toml');
    await writeFile(file, '# mine\nnamespace = "team" # ours\ntoken = "old"   # of last year\n\ndetail = true\n', { mode: 0o600 });
    await mkdir(join(home, '.config'));
    await writeFile(join(home, '.config', 'gofer.toml'), 'namespace = "other"\n');
    expect(await login()).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`The token is kept in ${file}\n`) });
    expect(await readFile(file, 'utf8')).toBe(
      `# mine\nnamespace = "team" # ours\ntoken = "${stage.root}"   # of last year\n\ndetail = true\n`,
    );
    expect((await gofer(['logout'])).stdout).toBe(`✓ Took the token out of ${file}\n`);
    expect(await readFile(file, 'utf8')).toBe('# mine\nnamespace = "team" # ours\n# of last year\n\ndetail = true\n');
    expect(await readFile(join(home, '.config', 'gofer.toml'), 'utf8')).toBe('namespace = "other"\n');
  });

  it('narrows a file that others could read, which is warned of before', async () => {
    const file = join(home, '.gofer.toml');
    await writeFile(file, `token = "${stage.root}"\n`);
    await chmod(file, 0o644);
    const warning = `! others on this machine can read your token in ${file}: chmod 600 ${file}\n`;
    expect(await gofer(['token', 'whoami'])).toMatchObject({ code: 0, stderr: warning });
    expect(await gofer(['context'])).toMatchObject({ code: 0, stderr: warning });
    expect(await gofer(['token', 'whoami', '--output-format', 'json'])).toMatchObject({ code: 0, stderr: '' });
    expect(await gofer(['token', 'whoami'], { env: { GOFER_TOKEN: stage.root } })).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await login();
    expect(stdout).toContain(`${file}, which others could read or change (mode 644): now it is yours alone (600)\n`);
    expect(await modeOf(file)).toBe(0o600);
    expect(await gofer(['token', 'whoami'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('writes to the file of --config, made if need be, through a link too', async () => {
    await symlink(join('real', 'gofer.toml'), join(home, 'link.toml'));
    const argv = ['--config', 'link.toml'];
    expect(await login(argv)).toMatchObject({ code: 0 });
    expect(await readFile(join(home, 'real', 'gofer.toml'), 'utf8')).toBe(`token = "${stage.root}"\n`);
    expect(await modeOf(join(home, 'real', 'gofer.toml'))).toBe(0o600);
    expect(await gofer(['token', 'whoami', ...argv])).toMatchObject({ code: 0 });
    expect(await gofer(['token', 'whoami'])).toMatchObject({ code: 4 });
    expect(await gofer(['logout', ...argv])).toMatchObject({ code: 0 });
    expect(await readFile(join(home, 'real', 'gofer.toml'), 'utf8')).toBe('');
    expect((await readdir(home)).sort()).toEqual(['link.toml', 'real']);
  });

  it('keeps the address that a flag gives, in the place of what the file says', async () => {
    const file = join(home, '.config', 'gofer.toml');
    const elsewhere = { env: { GOFER_API_BASE_URL: undefined } };
    const host = new URL(stage.url).host;
    expect(await login(['--api-base-url', stage.url], elsewhere)).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toBe(`token = "${stage.root}"\napi_base_url = "${stage.url}/"\n`);
    expect(await gofer(['token', 'whoami'], elsewhere)).toMatchObject({ code: 0 });

    await writeFile(file, '# where\nhost = "gofer.example:1" # there\nnamespace = "x"\n');
    expect(await login(['--host', host], elsewhere)).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toBe(
      `# where\n# there\nnamespace = "x"\ntoken = "${stage.root}"\napi_base_url = "${stage.url}/"\n`,
    );
    expect(await gofer(['token', 'whoami'], elsewhere)).toMatchObject({ code: 0 });
    const { stdout } = await login(['--output-format', 'json'], elsewhere);
    expect(JSON.parse(stdout)).toMatchObject({ token: { user: 'bootstrap' }, api_base_url: `${stage.url}/`, config_file: file });
    expect(stdout).not.toContain(stage.root);
  });

  it('keeps the certificates that a flag names, by their whole path', async () => {
    await writeFile(join(home, 'ca.pem'), (await TestAuthority.make()).pems.cert);
    expect(await login(['--ca-cert', 'ca.pem'])).toMatchObject({ code: 0 });
    expect(await readFile(join(home, '.config', 'gofer.toml'), 'utf8')).toBe(
      `token = "${stage.root}"\nca_cert = "${join(home, 'ca.pem')}"\n`,
    );
  });

  it('says where another token counts before the one that it keeps', async () => {
    const env = { GOFER_TOKEN: 'another' };
    expect((await login([], { env })).stderr).toBe('! GOFER_TOKEN is set here and counts before the file: unset it to use this token\n');
    expect((await gofer(['logout'], { env })).stderr).toBe('! GOFER_TOKEN is set here, and its token goes on to be used\n');
  });

  it.each<[string, string | Uint8Array, RegExp, number]>([
    ['a token that the server does not know', 'gofer_geheim', /does not accept this token; nothing was stored/u, 4],
    ['nothing', ' \n', /nothing was given: a token has 1 to 4,096 visible characters of ASCII; nothing was stored/u, 2],
    ['two lines', 'gofer_geheim\ngofer_geheim\n', /what was given is no token/u, 2],
    ['what is no text', Uint8Array.of(0xff, 0xfe), /what was given is no token/u, 2],
    ['far too much', 'geheim'.repeat(20_000), /what was given is no token/u, 2],
  ])('of %s leaves everything as it is', async (_, stdin, message, code) => {
    const file = join(home, '.gofer.toml');
    await writeFile(file, 'token = "old"\n', { mode: 0o640 });
    const before = await stat(file);
    const outcome = await login(['--debug'], { stdin });
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('geheim');
    expect(await stat(file)).toMatchObject({ ino: before.ino, mode: before.mode });
    expect(await readFile(file, 'utf8')).toBe('token = "old"\n');
  });

  it('needs a terminal or --token-stdin, a file that can be read, and a server', async () => {
    expect(await gofer(['login'], { stdin: stage.root })).toMatchObject({ code: 2, stderr: expect.stringContaining('--token-stdin') });
    await writeFile(join(home, 'bad.toml'), 'token = 3\n');
    expect(await login(['--config', 'bad.toml'])).toMatchObject({ code: 78, stderr: expect.stringContaining('bad.toml:1') });
    expect(await login(['--api-base-url', 'http://127.0.0.1:1/', '--config', 'new.toml'])).toMatchObject({ code: 6 });
    expect(await readdir(home)).toEqual(['bad.toml']);
  });

  it('is refused by a server that checks no tokens', async () => {
    const open = await startTestServer('fake');
    try {
      const { code, stderr } = await login([], { env: { GOFER_API_BASE_URL: open.url } });
      expect(stderr).toMatch(/asks for no token \(development\.bypass_auth\), and could not check this one; nothing was stored/u);
      expect(code).toBe(5);
      expect(await readdir(home)).toEqual([]);
    } finally {
      await open.close();
    }
  });
});

describe('logout', () => {
  it('without a file or a token in it says so', async () => {
    expect(await gofer(['logout'])).toMatchObject({ code: 0, stdout: '✓ There is no configuration file, and so no token in one\n' });
    await writeFile(join(home, '.gofer.toml'), 'detail = true\n', { mode: 0o644 });
    expect(JSON.parse((await gofer(['logout', '--output-format', 'json'])).stdout)).toEqual({
      removed: false,
      config_file: join(home, '.gofer.toml'),
    });
    expect(await modeOf(join(home, '.gofer.toml'))).toBe(0o644);
  });
});

describe('on a terminal', () => {
  const command = `"${process.execPath}" "${LAUNCHER}"`;
  const run = async (words: string, steps: Parameters<typeof onTerminal>[1]['steps'], token = '') => {
    const env = { GOFER_API_BASE_URL: stage.url, ...(token === '' ? {} : { GOFER_TOKEN: token }) };
    const seen = await onTerminal(betweenSettings(`${command} ${words}`), { directory: home, env, steps });
    const [before, after] = settingsOf(seen);
    expect(before).toBeDefined();
    expect(after).toBe(before);
    return seen;
  };

  it.each(['', '--token-stdin'])('the token is asked for, and nothing of it is shown: login %s', async (flag) => {
    const seen = await run(`login ${flag}`, [{ after: 'nothing is shown): ', type: ` ${stage.root}\r` }]);
    expect(seen).not.toContain(stage.root.slice(6));
    expect(seen).toMatch(/Token \(nothing is shown\): \r\n✓ Logged in to .* as bootstrap/u);
    expect(seen).toContain('exit 0');
    expect(await readFile(join(home, '.config', 'gofer.toml'), 'utf8')).toBe(`token = "${stage.root}"\n`);
  });

  it.each([
    ['Ctrl-C', 'gofer_geheim\u0003', 130],
    ['nothing', '\r', 2],
    ['two lines', 'gofer_geheim\rgofer_geheim\r', 2],
  ])('%s stores nothing', async (_, typed, code) => {
    const seen = await run('login', [{ after: 'nothing is shown): ', type: typed }]);
    expect(seen).not.toContain('geheim');
    expect(seen).toContain('nothing was stored');
    expect(seen).toContain(`exit ${code}`);
    expect(await readdir(home)).toEqual([]);
  });

  it('a role is asked for, until it can be one, and shown before it is made', async () => {
    const seen = await run(
      'role create asked',
      [
        { after: 'Description of the role asked: ', type: 'By questions\r' },
        { after: 'pipelines): ', type: 'namespace:^a.*\r' },
        { after: 'did you mean namespaces?', type: '' },
        { after: 'pipelines): ', type: 'namespaces:^a{1,3}$,pipelines\r' },
        { after: 'if you give none): ', type: 'reed\r' },
        { after: 'if you give none): ', type: '\r' },
        { after: 'One more permission? [y/N] ', type: 'y\rruns\rread\rn\r' },
        { after: 'Create the role asked? [y/N] ', type: 'yes\r' },
      ],
      stage.root,
    );
    expect(seen).toContain('"reed" is no action');
    expect(seen).toMatch(/namespaces +\^a\{1,3\}\$ +✓ +✓ +✓\r\npipelines +all +✓ +✓ +✓\r\nruns +- +✓ +- +-\r\n/u);
    const same = "role create asked 'By questions' -p 'namespaces:^a{1,3}$,pipelines=read,write,delete' -p 'runs=read'";
    expect(seen).toContain(`The same without questions: gofer ${same}`);
    expect(seen).toContain('✓ Created role asked');
    expect(seen).toContain('exit 0');
    const { role } = await stage.client().call('get_role', { path: { role_id: 'asked' } });
    expect(role).toEqual({
      id: 'asked',
      description: 'By questions',
      permissions: [
        { resources: ['namespaces:^a{1,3}$', 'pipelines'], actions: ['read', 'write', 'delete'] },
        { resources: ['runs'], actions: ['read'] },
      ],
      system_role: false,
    });
    expect(await run('role create asked', [], stage.root)).toMatch(/there is a role asked already/u);
    await stage.client().call('delete_role', { path: { role_id: 'asked' } });
    expect(await run(same, [], stage.root)).toContain('✓ Created role asked');
    expect(await stage.client().call('get_role', { path: { role_id: 'asked' } })).toEqual({ role });
  });

  it.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 130],
    ['no', 'runs\r\r\r\r', 130],
  ])('a role is not made where the answer is %s', async (_, typed, code) => {
    const seen = await run('role create refused About', [{ after: 'pipelines): ', type: typed }], stage.root);
    expect(seen).toContain(`exit ${code}`);
    await expect(stage.client().call('get_role', { path: { role_id: 'refused' } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('from a checkout', () => {
  it('a login is kept where it does not touch the own configuration', async () => {
    const outcome = await runInProcess(['login', '--token-stdin'], {
      workingDirectory: home,
      env: { GOFER_API_BASE_URL: stage.url, npm_lifecycle_event: 'gofer' },
      stdin: stage.root,
    });
    expect(outcome).toMatchObject({ code: 0 });
    expect(await readdir(join(home, '.config'))).toEqual(['gofer_dev.toml']);
  });
});
