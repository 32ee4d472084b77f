/**
 * The arrow: who may import whom. A new import that breaks it is either in the wrong room, or the arrow is wrong and an ADR says so
 * first (docs/adr). Tests may import whatever they test; `test`, `bench` and `docs` may import everything.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Room (the longest prefix wins) → rooms of ours that it may import beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // The package's front lets the port out with the rest.
  'contracts/src': ['contracts/src/port'],
  'contracts/src/api': ['contracts/src'],
  'contracts/src/pipeline': ['contracts/src'],
  'contracts/src/port': ['contracts/src'],
  'contracts/src/conformance': ['contracts/src', 'contracts/src/port'],
  'config/src': ['contracts/src'],
  'sdk/src': [],
  'sdk/src/extension': ['sdk/src'],
  'sdk/src/extension/testing': ['sdk/src', 'sdk/src/extension'],
  'kernel/src/domain': ['contracts/src', 'contracts/src/api', 'contracts/src/pipeline'],
  'kernel/src/plugins': ['contracts/src', 'config/src'],
  'kernel/src/tls': ['contracts/src'],
  'kernel/src/storage': ['contracts/src', 'contracts/src/api', 'contracts/src/pipeline', 'kernel/src/domain'],
  'kernel/src/access': ['contracts/src', 'contracts/src/api', 'kernel/src/domain', 'kernel/src/storage'],
  'kernel/src/workers': ['contracts/src', 'contracts/src/pipeline', 'kernel/src/domain'],
  'kernel/src/stores': ['contracts/src', 'kernel/src/domain', 'kernel/src/storage'],
  'kernel/src/retention': ['contracts/src', 'kernel/src/storage', 'kernel/src/stores', 'kernel/src/workers'],
  'kernel/src/clock': [],
  'kernel/src/orchestrator': [
    'contracts/src',
    'contracts/src/api',
    'contracts/src/pipeline',
    'kernel/src/access',
    'kernel/src/clock',
    'kernel/src/domain',
    'kernel/src/storage',
    'kernel/src/stores',
    'kernel/src/workers',
  ],
  'kernel/src/extensions': [
    'contracts/src',
    'contracts/src/api',
    'contracts/src/pipeline',
    'kernel/src/access',
    'kernel/src/clock',
    'kernel/src/domain',
    'kernel/src/storage',
    'kernel/src/stores',
    'kernel/src/workers',
  ],
  'kernel/src/services': [
    'kernel/src/extensions',
    'contracts/src',
    'contracts/src/api',
    'contracts/src/pipeline',
    'kernel/src/access',
    'kernel/src/domain',
    'kernel/src/storage',
    'kernel/src/stores',
    'kernel/src/workers',
    'kernel/src/orchestrator',
  ],
  // The kernel's front reads the log store's types only: batches pass through it as they are.
  'kernel/src/http': [
    'contracts/src',
    'contracts/src/api',
    'contracts/src/pipeline',
    'kernel/src/access',
    'kernel/src/domain',
    'kernel/src/services',
    'kernel/src/workers',
    'kernel/src/tls',
  ],
  'kernel/src': ['contracts/src', 'contracts/src/api', 'config/src', 'kernel/src/*'],
  // Harnesses stand beside the plugins that they test.
  plugins: ['contracts/src', 'contracts/src/conformance'],
  // The command is the distribution: it alone names the plugins that come with it, and loads the kernel where a server is started.
  cli: [
    'contracts/src',
    'contracts/src/api',
    'contracts/src/pipeline',
    'config/src',
    'sdk/src',
    'sdk/src/extension',
    'kernel/src',
    'plugins',
    'extensions',
  ],
  examples: ['sdk/src'],
  extensions: ['sdk/src', 'sdk/src/extension', 'sdk/src/extension/testing'],
};

const PACKAGES: Readonly<Record<string, string>> = {
  '@gofer/contracts': 'contracts/src',
  '@gofer/contracts/api': 'contracts/src/api',
  '@gofer/contracts/pipeline': 'contracts/src/pipeline',
  '@gofer/contracts/port': 'contracts/src/port',
  '@gofer/contracts/conformance': 'contracts/src/conformance',
  '@gofer/config': 'config/src',
  '@gofer/sdk': 'sdk/src',
  '@gofer/sdk/extension': 'sdk/src/extension',
  '@gofer/sdk/extension/testing': 'sdk/src/extension/testing',
  '@gofer/kernel': 'kernel/src',
};

const IMPORT = /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function roomOf(file: string): string | undefined {
  const rooms = Object.keys(MAY_IMPORT).filter((room) => file === room || file.startsWith(`${room}/`));
  return rooms.sort((a, b) => b.length - a.length)[0];
}

function targetOf(specifier: string, file: string): string | undefined {
  if (specifier.startsWith('.')) return roomOf(normalize(join(dirname(file), specifier)));
  if (/^@gofer\/(scheduler|object-store|secret-store|auth)-/.test(specifier)) return 'plugins';
  if (specifier.startsWith('@gofer/extension-')) return 'extensions';
  return PACKAGES[specifier];
}

function isAllowed(room: string, target: string): boolean {
  if (room === target) return true;
  return (MAY_IMPORT[room] ?? []).some((allowed) =>
    allowed.endsWith('/*') ? target.startsWith(allowed.slice(0, -1)) : allowed === target,
  );
}

const files = globSync('{contracts,config,kernel,plugins,cli,sdk,extensions,examples}/**/*.ts', {
  cwd: root,
  exclude: (name) => name === 'node_modules' || name === 'dist',
})
  .map((file) => relative(root, join(root, file)))
  .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('.fixture.ts') && !file.includes('node_modules'));

describe('the arrow', () => {
  it('knows every room', () => {
    expect(files.filter((file) => roomOf(file) === undefined && file.includes('/src/'))).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });

  it('is kept by every import', () => {
    const breaches: string[] = [];
    for (const file of files) {
      const room = roomOf(file);
      if (room === undefined) continue;
      for (const match of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
        const specifier = match[1] ?? match[2] ?? match[3] ?? '';
        if (specifier.startsWith('@gofer/') && targetOf(specifier, file) === undefined)
          breaches.push(`${file} imports ${specifier}, which is no room`);
        const target = targetOf(specifier, file);
        if (target === undefined || isAllowed(room, target)) continue;
        const allowed = (MAY_IMPORT[room] ?? []).join(', ') || 'nothing of ours';
        breaches.push(`${file} imports ${specifier} (${target}); ${room} may import ${allowed}. See docs/architecture.md`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it('lets only plugins and the kernel’s back end touch the machine', () => {
    const restricted = files.filter((file) =>
      ['kernel/src/domain', 'contracts/src', 'contracts/src/pipeline', 'sdk/src'].includes(roomOf(file) ?? ''),
    );
    const breaches = restricted.filter((file) => /from 'node:/.test(readFileSync(join(root, file), 'utf8')));
    expect(breaches).toEqual([]);
  });

  it('uses the container in one file', () => {
    const users = files.filter((file) => /from 'tsyringe'/.test(readFileSync(join(root, file), 'utf8')));
    expect(users).toEqual(['kernel/src/boot/container.ts']);
  });

  it('keeps SQL in one room of the kernel, and in the plugins that are about it', () => {
    const users = files.filter((file) => /from 'better-sqlite3'/.test(readFileSync(join(root, file), 'utf8')));
    const homes = /^(kernel\/src\/storage|plugins\/(object|secret)-store-sqlite)\//;
    expect(users.filter((file) => !homes.test(file))).toEqual([]);
  });
});
