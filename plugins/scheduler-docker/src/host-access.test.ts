/** How tasks reach this machine, by what an engine says of itself and of its networks. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostAccess } from '@gofer/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import { openScheduler } from '../test/scheduler-fixture.ts';
import type { DockerConfig } from './docker-config.ts';
import { gateways, hasOwnNetwork } from './host-access.ts';

const bridge = (...Config: readonly object[]): Parameters<typeof gateways>[0] => ({ Driver: 'bridge', IPAM: { Config } });

describe('the gateways of a network', () => {
  it('are those that the engine tells, IPv4 first', () => {
    expect(gateways(bridge({ Subnet: 'fd00::/64', Gateway: 'fd00::1/64' }, { Subnet: '172.17.0.0/16', Gateway: '172.17.42.1' }))).toEqual([
      '172.17.42.1',
      'fd00::1',
    ]);
  });

  it('are the first addresses of the subnet where it tells none', () => {
    expect(gateways(bridge({ Subnet: '172.17.0.0/16' }))).toEqual(['172.17.0.1', '172.17.0.0']);
    expect(gateways(bridge({ Subnet: '192.168.255.0/24', IPRange: '192.168.255.128/25' }))).toEqual([
      '192.168.255.1',
      '192.168.255.0',
      '192.168.255.129',
      '192.168.255.128',
    ]);
  });

  it('are none where the network is not of this machine alone', () => {
    expect(gateways({ Driver: 'macvlan', IPAM: { Config: [{ Subnet: '192.168.1.0/24', Gateway: '192.168.1.1' }] } })).toEqual([]);
    expect(gateways({ Driver: 'bridge', IPAM: { Config: null } })).toEqual([]);
  });
});

it('knows an engine whose networks are not those of this machine', () => {
  expect(hasOwnNetwork({ OperatingSystem: 'Docker Desktop', SecurityOptions: null })).toBe(true);
  expect(hasOwnNetwork({ OperatingSystem: 'Debian', SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] })).toBe(true);
  expect(hasOwnNetwork({ OperatingSystem: 'Debian', SecurityOptions: ['name=seccomp,profile=default'] })).toBe(false);
});

await describeDocker('host access', (docker) => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docker-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const accessWith = async (changes: Partial<DockerConfig>): Promise<HostAccess> => {
    const scheduler = await openScheduler(directory, changes);
    try {
      return await scheduler.hostAccess();
    } finally {
      await scheduler.close();
    }
  };

  /** What is said of a network of this definition, which is removed behind it. */
  const accessOn = async (definition: object): Promise<HostAccess> => {
    const network = `gofer-test-${randomUUID()}`;
    await docker.call('POST', '/networks/create', { Name: network, ...definition });
    try {
      return await accessWith({ network });
    } finally {
      await docker.call('DELETE', `/networks/${network}`);
    }
  };

  it('is by a loopback address on the network of the machine, and none without a network', async () => {
    expect(await accessWith({ network: 'host' })).toEqual({ address: '127.0.0.1' });
    expect(await accessWith({ network: 'none' })).toEqual({});
  });

  it('is by the gateway of a network that somebody made, told or not', async () => {
    const IPAM = { Config: [{ Subnet: '10.213.77.0/24' }] };
    expect(await accessOn({ IPAM })).toEqual({ address: '10.213.77.1' });
    expect(await accessOn({ IPAM: { Config: [{ Subnet: '10.213.77.0/24', Gateway: '10.213.77.9' }] } })).toEqual({
      address: '10.213.77.9',
    });
    expect(await accessOn({ IPAM, Internal: true })).toEqual({ address: '10.213.77.1' });
  });

  it('is none where the machine has no address on the network, and where there is no such network', async () => {
    const Options = { 'com.docker.network.bridge.inhibit_ipv4': 'true' };
    expect(await accessOn({ IPAM: { Config: [{ Subnet: '10.213.77.0/24' }] }, Options })).toEqual({});
    expect(await accessWith({ network: `gofer-test-${randomUUID()}` })).toEqual({});
  });

  it('is none with an engine on another machine, which is not even asked', async () => {
    expect(await accessWith({ host: 'tcp://gofer-test.invalid:2375' })).toEqual({});
  });

  it('rejects with UNAVAILABLE where the engine does not answer', async () => {
    await expect(accessWith({ host: `unix://${join(directory, 'nobody.sock')}` })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
