/** The unit for systemd says what the pages say of it, and what the command understands. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_TABLE } from '@gofer/contracts';
import { expect, it } from 'vitest';
import { describeCommands } from '../../cli/src/help/command-help.ts';
import { ROOT } from './markdown.ts';

/** Settings in the order of the file; one may be there more than once. */
function settingsOf(text: string): readonly (readonly [key: string, value: string])[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('#') || /^\[(Unit|Service|Install)\]$/.test(line)) return [];
    const [, key, value] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw new Error(`docs/gofer.service: not a setting: ${line}`);
    return [[key, value] as const];
  });
}

const settings = settingsOf(readFileSync(join(ROOT, 'docs/gofer.service'), 'utf8'));
const values = new Map(settings);

it('has each setting once', () => {
  expect(settings.map(([key]) => key)).toEqual([...values.keys()]);
});

it('leaves the server as little as it needs', () => {
  expect(Object.fromEntries(values)).toMatchObject({
    User: 'gofer',
    KillMode: 'process',
    UMask: '0022',
    StateDirectory: 'gofer',
    StateDirectoryMode: '0700',
    ProtectSystem: 'strict',
    ProtectHome: 'yes',
    PrivateDevices: 'yes',
    NoNewPrivileges: 'yes',
    CapabilityBoundingSet: '',
    AmbientCapabilities: '',
    RestrictSUIDSGID: 'yes',
    RestrictNamespaces: 'yes',
    SystemCallFilter: '@system-service',
    SystemCallArchitectures: 'native',
    RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  });
  // Node compiles while it runs.
  expect(values.has('MemoryDenyWriteExecute')).toBe(false);
});

it('starts what is there, and not again where that does not help', () => {
  const [node = '', launcher = '', ...words] = (values.get('ExecStart') ?? '').split(' ');
  for (const path of [node, launcher]) expect(existsSync(path.replace('/opt/gofer', ROOT))).toBe(true);
  expect(words).toEqual(['service', 'start', '--config', '/etc/gofer/gofer_web.toml']);
  expect(describeCommands().flatMap(({ paths }) => paths)).toContain('service start');
  expect(values.get('RestartPreventExitStatus')).toBe(`${ERROR_TABLE.LOCKED.exit} ${ERROR_TABLE.CONFIG_INVALID.exit}`);
});

it('is explained', () => {
  const page = readFileSync(join(ROOT, 'docs/security.md'), 'utf8');
  for (const key of [
    'User',
    'SupplementaryGroups',
    'StateDirectory',
    'ProtectSystem',
    'CapabilityBoundingSet',
    'SystemCallFilter',
    'UMask',
    'KillMode',
  ]) {
    expect(page).toContain(`\`${key}=${values.get(key) ?? ''}\``);
  }
});
