/**
 * What one request may cost everybody else: patterns that are made to explode, roles as large as may be, bodies with millions of faults.
 * The server runs in this process, so that its event loop can be watched: how long it was held at most, beside a bound that is far above
 * what any of this takes, and far below what it took without the limits that this holds (minutes, and gigabytes).
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer } from '../access/access-server.ts';
import { pipelineJson, pipelinePath } from './gofer-server.ts';

const LONGEST_HOLD_MS = 8000;
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** Each as long as a pattern may be. */
const EXPLOSIVE: Readonly<Record<string, string>> = {
  'large counts': '.{0,1000}'.repeat(28),
  'counts at the limit': '.{0,100}'.repeat(32),
  'nested counts': '(.{0,30}){0,30}'.repeat(17),
  'nested repetition': `${'('.repeat(80)}a+${'+)'.repeat(80)}b`.slice(0, 256),
  'repetition of alternatives': '(a|a|aa|a?)*'.repeat(21),
  'many alternatives': many(64, (index) => `a{0,${index % 9}}`)
    .join('|')
    .slice(0, 255),
  'optional after optional': 'a?'.repeat(128),
  'letters of every script': '\\pL{0,64}'.repeat(28),
  'any case': `(?i)${'(\\pL?){0,62}'.repeat(20)}`,
  'what never ends': `(${'.*'.repeat(120)})*x`,
};
const LONGEST_ID = 'a'.repeat(32);

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start();
  await server.ask('POST', `${pipelinePath(LONGEST_ID)}/configs`, { config: pipelineJson(LONGEST_ID, [{ id: 'one', command: ['true'] }]) });
});
afterAll(() => server.close());

/** Longest time in which nobody else was answered. */
async function holdOf(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  try {
    await work();
  } finally {
    delay.disable();
  }
  return delay.max / 1e6;
}

const post = (path: string, body: unknown) => server.call('POST', path, { token: server.admin, body });

describe('patterns', () => {
  it.each(Object.entries(EXPLOSIVE))('%s, ten thousand of them in a role, and as many as may be for a secret', async (_, pattern) => {
    expect(pattern.length).toBeLessThanOrEqual(256);
    const resources = many(100, () => `pipelines:${pattern}`);
    const hold = await holdOf(async () => {
      const permissions = many(100, () => ({ resources, actions: ['read'] }));
      expect(await post('/api/roles', { id: 'ten-thousand', description: '', permissions })).toMatchObject({ status: 400 });
      await post('/api/roles', { id: 'two-hundred', description: '', permissions: permissions.slice(0, 2) });
      await post('/api/secrets/global', { key: 'many', content: 'x', namespaces: many(64, () => pattern), force: true });
    });
    expect(hold).toBeLessThan(LONGEST_HOLD_MS);
  });

  it('that are let in are tried on the longest ids, as many as a role may have, and on ids that nothing has', async () => {
    // What is as large as may be: the largest that are taken, one after the other.
    const taken: string[] = [];
    for (const [index, part] of ['[a-z]{1,30}', '(?:a|b|c){1,20}', '(?i)[^x]{0,40}', '(a?b?c?)*'].entries()) {
      for (let size = 1; size < 20; size++) {
        const resources = [...taken, `${part}${'-?[a-z]*'.repeat(size)}`].map((text) => `pipelines:${text}`);
        const permissions = [{ resources: ['namespaces', 'runs', ...resources], actions: ['read'] }];
        const answer = await post('/api/roles', { id: `large-${index}-${size}`, description: '', permissions });
        if (answer.status === 201) taken.push(`${part}${'-?[a-z]*'.repeat(size)}`);
      }
    }
    expect(taken.length).toBeGreaterThan(10);
    const permissions = [
      { resources: ['namespaces', 'runs', ...taken.map((text) => `pipelines:${text}`)], actions: ['read', 'write', 'delete'] },
    ];
    await server.ask('POST', '/api/roles', { id: 'largest', description: '', permissions });
    const { secret } = await server.ask<{ secret: string }>('POST', '/api/tokens', { user: 'u', roles: ['largest'], expires: 0 });
    const hold = await holdOf(async () => {
      for (let at = 0; at < 200; at++) {
        const id = `${'a'.repeat(29)}${String(at).padStart(3, '0')}`;
        expect((await server.call('GET', pipelinePath(id), { token: secret })).status).toBeOneOf([401, 404]);
      }
      for (const id of [LONGEST_ID, '%00'.repeat(1000), 'a'.repeat(8000), `${'a'.repeat(63)}!`]) {
        expect((await server.call('GET', `${pipelinePath(id)}/runs`, { token: secret })).status).toBeOneOf([200, 401, 404]);
      }
    });
    expect(hold).toBeLessThan(LONGEST_HOLD_MS);
  });

  it('of a hundred roles of one token', async () => {
    const roles = many(100, (index) => `role-${index}`);
    for (const id of roles) {
      const resources = many(20, (index) => `pipelines:${id}-?[a-z]{1,3}${index}[0-9]*`);
      await server.ask('POST', '/api/roles', {
        id,
        description: '',
        permissions: [{ resources: ['namespaces', ...resources], actions: ['read'] }],
      });
    }
    const { secret } = await server.ask<{ secret: string }>('POST', '/api/tokens', { user: 'u', roles, expires: 0 });
    const hold = await holdOf(async () => {
      for (let at = 0; at < 50; at++) await server.call('GET', pipelinePath(`role-99-abc${at}`), { token: secret });
      await server.call('GET', '/api/namespaces/default/pipelines', { token: secret });
    });
    expect(hold).toBeLessThan(LONGEST_HOLD_MS);
  });
});

describe('bodies', () => {
  const bodies: Readonly<Record<string, readonly [path: string, body: string]>> = {
    'millions of faults': ['/api/tokens', `{"user":"u","expires":0,"roles":[${'1,'.repeat(3_900_000)}1]}`],
    'hundreds of thousands of keys': [
      `${pipelinePath(LONGEST_ID)}/runs`,
      `{"variables":{${many(400_000, (index) => `"k${index}":1`).join(',')}}}`,
    ],
    'keys of a megabyte': [
      `${pipelinePath(LONGEST_ID)}/runs`,
      `{"variables":{${many(7, (index) => `"${index}${'k'.repeat(1e6)}":1`).join(',')}}}`,
    ],
    'brackets alone': ['/api/namespaces', '['.repeat(7_000_000)],
    'quotes that never end': ['/api/namespaces', `{"id":"${'\\"'.repeat(3_500_000)}`],
    escapes: ['/api/namespaces', `{"id":"abc","description":"","name":"${'\\ud83d\\ude00'.repeat(600_000)}"}`],
    blanks: ['/api/namespaces', `${' '.repeat(7_000_000)}{`],
    digits: ['/api/tokens', `{"user":"u","roles":[],"expires":${'9'.repeat(7_000_000)}}`],
    'a task with everything': [
      `${pipelinePath(LONGEST_ID)}/configs`,
      JSON.stringify({
        config: pipelineJson(
          LONGEST_ID,
          many(20_000, () => ({ id: '!', depends_on: { '!': 'Any' as const }, variables: { '=': '\0' } })),
        ),
      }),
    ],
  };

  it.each(Object.entries(bodies))('of %s', async (_, [path, body]) => {
    let answer = { status: 0, text: '' };
    const hold = await holdOf(async () => {
      answer = await server.call('POST', path, { token: server.admin, body: Buffer.from(body) });
    });
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(1_000_000);
    expect(hold).toBeLessThan(LONGEST_HOLD_MS);
  });
});
