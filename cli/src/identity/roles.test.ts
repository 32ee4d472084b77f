import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityStage } from '../testing/identity-stage.ts';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'limits.failed_authentications': '0' });
});
afterAll(async () => await stage?.close());
const root = (argv: readonly string[], options = {}) => stage.goferAs(stage.root, argv, options);

describe('roles', () => {
  it('are created, shown, changed and deleted', async () => {
    const json = JSON.stringify([
      {
        actions: ['read', 'write', 'delete'],
        resources: [
          { resource: 'namespaces', target: '^devops.*' },
          { resource: 'pipelines', target: '.*' },
        ],
      },
      { actions: ['read'], resources: ['runs', 'namespaces:^devops.*', 'namespaces'] },
    ]);
    await writeFile(join(stage.home, 'devops.json'), json);
    const about = 'Access only to namespaces that start with devops';
    expect(await root(['role', 'create', 'devops', about, '--file', 'devops.json'])).toMatchObject({ code: 0 });
    expect((await root(['role', 'get', 'devops'])).stdout).toBe(
      `[devops]\n${about}\n\n` +
        'RESOURCE    TARGET     READ  WRITE  DELETE\n' +
        'namespaces  ^devops.*  ✓     ✓      ✓\n' +
        'pipelines   .*         ✓     ✓      ✓\n' +
        'runs        -          ✓     -      -\n' +
        'namespaces  all        ✓     -      -\n',
    );
    expect((await root(['role', 'list'])).stdout).toMatch(/^admin +Everything +yes\n[\s\S]*^devops +Access .* +no$/mu);
    expect(await root(['role', 'create', 'devops', 'x', '-p', 'runs=read'])).toMatchObject({ code: 5 });

    const { stdout } = await root(['role', 'get', 'devops', '--output-format', 'json']);
    expect(await root(['role', 'create', 'copy-of-it', '--file', '@'], { stdin: stdout })).toMatchObject({ code: 0 });
    const copied = JSON.parse((await root(['role', 'get', 'copy-of-it', '--output-format', 'json'])).stdout) as object;
    expect(copied).toEqual({ ...(JSON.parse(stdout) as object), id: 'copy-of-it' });

    const changed = await root([
      'role',
      'update',
      'devops',
      '-d',
      'Less',
      '-p',
      'pipelines:^(?:web|api):?=read,write,delete',
      '-p',
      'runs=read',
    ]);
    expect(changed.stdout).toMatch(/^✓ Updated role devops\n\nRESOURCE .*\npipelines +\^\(\?:web\|api\):\? +✓ +✓ +✓\nruns +- +✓ +- +-\n$/u);
    expect(await root(['role', 'update', 'devops', '-d', 'Much less'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('^(?:web|api)'),
    });
    expect(await root(['role', 'delete', 'devops'])).toMatchObject({ code: 0, stdout: '✓ Deleted role devops\n' });
    expect(await root(['role', 'get', 'devops'])).toMatchObject({ code: 3 });
    expect(await root(['role', 'delete', 'admin'])).toMatchObject({ code: 4, stderr: expect.stringContaining('comes with the server') });
    expect((await root(['role', 'get', 'admin'])).stdout).toContain('(system role: it cannot be changed)');
  });

  it.each<[string[], string | undefined, RegExp]>([
    [['create', 'new-role', 'x'], undefined, /no terminal to ask for them: give --permission.*or --file/u],
    [['create', 'new-role', '-p', 'runs=read'], undefined, /needs a description: gofer role create new-role "What/u],
    [['create', 'new-role', 'x', '-p', 'run=read'], undefined, /--permission run=read: "run" is no resource; did you mean runs/u],
    [['create', 'new-role', 'x', '-p', 'pipelines:(=read'], undefined, /permissions\[0\]\.resources\[0\].*regular expression/u],
    [['create', 'new-role', 'x', '-p', 'runs=read', '--file', '@'], '[]', /given twice/u],
    [['create', 'new-role', 'x', '--file', '@'], '{', /standard input is not JSON/u],
    [['create', 'new-role', 'x', '--file', '@'], '3', /standard input: \$: must be a list of permissions|must be a list of permissions/u],
    [
      ['create', 'new-role', 'x', '--file', '@'],
      '{"permission":[]}',
      /standard input: \$\.permission: is not known[\s\S]*\$\.permissions: must be a list/u,
    ],
    [
      ['create', 'new-role', 'x', '--file', '@'],
      '[{"resources":[3],"actions":["reed"]},4]',
      /\$\[0\]\.resources\[0\][\s\S]*\$\[0\]\.actions\[0\]: must be one of read[\s\S]*\$\[1\]: must be an object/u,
    ],
    [['create', 'new-role', 'x', '--file', 'missing.json'], undefined, /there is no file/u],
    [['create', 'a', 'x', '-p', 'runs=read'], undefined, /\$\.id/u],
    [['update', 'new-role'], undefined, /nothing to change: give --description, --permission or --file/u],
  ])('are not made of %j', async (argv, stdin, message) => {
    const { code, stdout, stderr } = await root(['role', ...argv], stdin === undefined ? {} : { stdin });
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect([2, 3]).toContain(code);
  });
});
