/**
 * How a container reaches this machine: by the gateway of its network, which is the machine's own address on it. An engine that only
 * seems to be on this machine (in a virtual machine, in a network namespace of its own, behind a tunnel) has such addresses too, and they
 * lead elsewhere; so an address counts only if this process can have it.
 */
import { createSocket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import type { HostAccess } from '@gofer/contracts';
import type { Engine } from './engine.ts';
import { isStatus } from './engine-error.ts';

/** The part of the engine's description of itself that is used. */
export interface EngineInfo {
  readonly OperatingSystem?: string;
  readonly SecurityOptions?: readonly string[] | null;
}

/** The part of a network's description that is used. */
export interface Network {
  readonly Driver: string;
  readonly IPAM: {
    readonly Config: readonly { readonly Subnet?: string; readonly IPRange?: string; readonly Gateway?: string }[] | null;
  };
}

/** `network`: `scheduler.docker.network`. Rejects as the engine does. */
export async function hostAccess(engine: Engine, network: string): Promise<HostAccess> {
  if (network === 'none' || engine.address.machine !== undefined) return {};
  const info = await engine.json<EngineInfo>({ method: 'GET', path: '/info' });
  if (hasOwnNetwork(info)) return {};
  const gateways = await gatewaysOf(engine, network === 'host' ? 'bridge' : network);
  if (network !== 'host') return firstOwn(gateways);
  // The loopback address is everybody's. That of the default bridge tells whether this process is where the engine is: not in a container.
  const here = gateways.length === 0 || (await firstOwn(gateways)).address !== undefined;
  return here ? { address: '127.0.0.1' } : {};
}

/** Whether the engine's networks are not those of its machine: it is in a virtual machine, or it runs without root. */
export function hasOwnNetwork(info: EngineInfo): boolean {
  return info.OperatingSystem === 'Docker Desktop' || (info.SecurityOptions ?? []).some((option) => option.startsWith('name=rootless'));
}

async function gatewaysOf(engine: Engine, network: string): Promise<readonly string[]> {
  try {
    return gateways(await engine.json<Network>({ method: 'GET', path: `/networks/${network}` }));
  } catch (error) {
    // Without the network no task starts, and each says so.
    if (isStatus(error, 404)) return [];
    throw error;
  }
}

/** What the machine's address on a network may be, IPv4 first; none where the driver puts the machine on no network of its own. */
export function gateways({ Driver: driver, IPAM }: Network): readonly string[] {
  if (driver !== 'bridge') return [];
  const found = (IPAM.Config ?? []).flatMap((pool) => {
    const told = pool.Gateway?.split('/')[0] ?? '';
    // The engine does not tell the gateway that it chose itself for a subnet that was given: the first address of the subnet, or of the range.
    return told === '' ? firstAddresses(pool.Subnet).concat(firstAddresses(pool.IPRange)) : [told];
  });
  return [...found.filter((address) => isIPv4(address)), ...found.filter((address) => isIPv6(address))];
}

/** The first two addresses of an IPv4 network in its usual notation. */
function firstAddresses(subnet = ''): string[] {
  const [base = ''] = subnet.split('/');
  if (!isIPv4(base)) return [];
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return [number + 1, number].map((each) => [24, 16, 8, 0].map((shift) => (each >>> shift) & 255).join('.'));
}

async function firstOwn(addresses: readonly string[]): Promise<HostAccess> {
  for (const address of addresses) if (await isOwn(address)) return { address };
  return {};
}

/**
 * Whether this machine has an address. It is tried, because the list of addresses leaves out a bridge that no container is on; by UDP,
 * so that nobody can connect meanwhile.
 */
function isOwn(address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    const settle = (own: boolean): void => {
      socket.close(() => resolve(own));
    };
    // Whatever the reason, nothing can listen there.
    socket.once('error', () => settle(false));
    socket.bind({ address, port: 0, exclusive: true }, () => settle(true));
  });
}
