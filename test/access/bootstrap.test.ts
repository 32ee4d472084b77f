/** The first token: one of all who ask at once gets it, for good, whatever becomes of the server right after. */
import { afterEach, describe, expect, it } from 'vitest';
import { GoferServer, VERSION } from '../e2e/gofer-server.ts';
import { AccessServer } from './access-server.ts';

const SETTINGS = ['development.bypass_auth=false', `secret_store.sqlite.encryption_key=${'k'.repeat(32)}`];
const ALL_AT_ONCE = 50;
const BOOTSTRAP = ['POST', '/api/tokens/bootstrap'] as const;

const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe('the first token', () => {
  it('is given to one of many who ask at the same time, and to nobody after that', async () => {
    const server = await AccessServer.start({}, { bootstrap: false });
    servers.push(server);
    const crowd = () => Promise.all(Array.from({ length: ALL_AT_ONCE }, () => server.call(...BOOTSTRAP)));
    const answers = await crowd();
    const given = answers.filter(({ status }) => status === 201);
    expect(given).toHaveLength(1);
    expect(answers.filter(({ status, code }) => status === 409 && code === 'FAILED_PRECONDITION')).toHaveLength(ALL_AT_ONCE - 1);
    const { secret } = JSON.parse(given[0]?.text ?? '{}') as { secret: string };
    for (const whenever of ['at once', 'after a restart']) {
      const later = await crowd();
      expect(new Set(later.map(({ status }) => status)), `asked ${whenever}`).toEqual(new Set([409]));
      expect(later.some(({ text }) => text.includes('gofer_'))).toBe(false);
      expect(await server.ask('GET', '/api/tokens/whoami', undefined, secret)).toMatchObject({ token: { roles: ['bootstrap'] } });
      if (whenever === 'at once') await server.restart();
    }
    // Whoever deletes it gets no second one.
    const { secret: next } = await server.ask<{ secret: string }>(
      'POST',
      '/api/tokens',
      { user: 'next', roles: ['admin'], expires: 0 },
      secret,
    );
    const { token } = await server.ask<{ token: { id: string } }>('GET', '/api/tokens/whoami', undefined, secret);
    await server.ask('DELETE', `/api/tokens/${token.id}`, undefined, next);
    expect((await server.call(...BOOTSTRAP)).status).toBe(409);
  });

  it('is taken once and for all when the server is killed as soon as it has answered', async () => {
    const server = await GoferServer.start('fake', { settings: SETTINGS });
    servers.push(server);
    const answer = await server.call(...BOOTSTRAP);
    await server.end('SIGKILL');
    expect(answer.status).toBe(201);
    const { secret } = answer.json() as { secret: string };
    await server.begin();
    expect((await server.call(...BOOTSTRAP)).status).toBe(409);
    const asked = await server.call('GET', '/api/tokens/whoami', undefined, { ...VERSION, authorization: `Bearer ${secret}` });
    expect(asked.json()).toMatchObject({ token: { roles: ['bootstrap'] } });
  });
});
