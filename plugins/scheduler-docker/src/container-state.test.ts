import { describe, expect, it } from 'vitest';
import type { Container } from './container-state.ts';
import { endpointsOf, exitOf, stateOf, toEpoch } from './container-state.ts';

const STARTED = '2030-01-02T03:04:05.678901234Z';
const FINISHED = '2030-01-02T03:04:06.5Z';

function container(state: Partial<Container['State']>, rest: Partial<Container> = {}): Container {
  return {
    Created: '2026-01-01T00:00:00Z',
    Id: 'f'.repeat(64),
    State: { Status: 'exited', OOMKilled: false, ExitCode: 0, StartedAt: STARTED, FinishedAt: FINISHED, ...state },
    Config: { Labels: null },
    HostConfig: { NetworkMode: 'bridge' },
    NetworkSettings: { Ports: null },
    ...rest,
  };
}
const endedAt = Date.parse(FINISHED);

describe('exitOf', () => {
  it.each([
    [{ ExitCode: 0 }, 'none', { kind: 'exited', exitCode: 0, endedAt }],
    [{ ExitCode: 137, OOMKilled: true }, 'restarted', { kind: 'exited', exitCode: 137, endedAt, reason: 'out of memory' }],
    [{ ExitCode: 143 }, 'none', { kind: 'exited', exitCode: 143, endedAt, reason: 'killed by SIGTERM' }],
    [{ ExitCode: 0 }, 'interrupted', { kind: 'exited', exitCode: 0, endedAt }],
    [{ ExitCode: 1 }, 'interrupted', { kind: 'exited', exitCode: 1, endedAt }],
    [
      { ExitCode: 137 },
      'interrupted',
      { kind: 'exited', exitCode: 137, endedAt, reason: 'the Docker engine restarted and ended the task' },
    ],
    [
      { ExitCode: 2 },
      'interrupted',
      { kind: 'exited', exitCode: 2, endedAt, reason: 'the Docker engine was away when the task ended and may not know how' },
    ],
    [{ ExitCode: 2 }, 'none', { kind: 'exited', exitCode: 2, endedAt }],
    [{ ExitCode: 0 }, 'restarted', { kind: 'lost', reason: 'the Docker engine restarted and ended the task', endedAt }],
  ] as const)('of %o with disturbance %s', (state, disturbance, expected) => {
    expect(exitOf(container(state), disturbance)).toEqual(expected);
  });

  it('is lost for what was never started and for what nobody can know', () => {
    expect(exitOf(container({ StartedAt: '0001-01-01T00:00:00Z' }), 'none').kind).toBe('lost');
    expect(exitOf(container({ ExitCode: -1 }), 'none').kind).toBe('lost');
    expect(exitOf(container({ FinishedAt: '0001-01-01T00:00:00Z' }), 'none').kind).toBe('lost');
  });
});

it('reads the states of the engine', () => {
  const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'].map(stateOf);
  expect(states).toEqual(['created', 'running', 'running', 'running', 'gone', 'exited', 'exited']);
});

it('reads the times of the engine', () => {
  expect(toEpoch(STARTED)).toBe(Date.UTC(2030, 0, 2, 3, 4, 5, 678));
  expect(toEpoch('0001-01-01T00:00:00Z')).toBe(0);
});

describe('endpointsOf', () => {
  const running = (network: string, HostIp: string): Container =>
    container(
      { Status: 'running' },
      {
        Config: { Labels: { 'dev.gofer-docker.ports': '80.443' } },
        HostConfig: { NetworkMode: network },
        NetworkSettings: {
          Ports: { '80/tcp': [{ HostIp, HostPort: '32768' }], '443/tcp': [{ HostIp, HostPort: '32769' }], '22/tcp': null },
        },
      },
    );
  const urls = (one: Container, machine?: string): readonly string[] => endpointsOf(one, machine).map(({ port, url }) => `${port} ${url}`);

  it('names where each port of the task is published', () => {
    expect(urls(running('bridge', '127.0.0.1'))).toEqual(['80 http://127.0.0.1:32768', '443 http://127.0.0.1:32769']);
    expect(urls(running('bridge', '::1'))).toEqual(['80 http://[::1]:32768', '443 http://[::1]:32769']);
    expect(urls(running('bridge', '0.0.0.0'), 'engine.example')).toEqual([
      '80 http://engine.example:32768',
      '443 http://engine.example:32769',
    ]);
  });

  it("names the ports themselves on the host's network", () => {
    expect(urls(running('host', ''))).toEqual(['80 http://127.0.0.1:80', '443 http://127.0.0.1:443']);
  });

  it('names nothing that does not run', () => {
    expect(endpointsOf(container({}), undefined)).toEqual([]);
  });
});
