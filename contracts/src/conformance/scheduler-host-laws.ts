/** The laws of `hostAccess`. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, BlockList, isIP, isIPv6 } from 'node:net';
import { assert, assertBytes, assertEqual, LawBroken } from './assertions.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import type { SchedulerStage } from './scheduler-stage.ts';
import { utf8 } from './task-program.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Every address of the machine at once, and so no address of it. */
const UNSPECIFIED = new BlockList();
UNSPECIFIED.addAddress('0.0.0.0', 'ipv4');
UNSPECIFIED.addAddress('::', 'ipv6');

export const hostLaws: readonly SchedulerLaw[] = [
  {
    name: 'hostAccess: an address, where there is one, is an IP address of this machine',
    async check(stage) {
      const address = await addressOf(stage);
      if (address !== undefined) await whileListening(address, () => Promise.resolve());
    },
  },
  {
    name: 'hostAccess: the address of tasks that are not isolated is a loopback address',
    when: ({ isolation }) => !isolation,
    async check(stage) {
      const address = await addressOf(stage);
      assert(address === undefined || holds(LOOPBACK, address), `${address} is reachable from other machines`);
    },
  },
  {
    name: 'hostAccess: says the same when it is asked again',
    async check(stage) {
      const first = await stage.scheduler.hostAccess();
      assertEqual(await stage.scheduler.hostAccess(), first, 'the second answer');
    },
  },
  {
    name: 'hostAccess: a task reaches what listens on the address, under that address',
    when: ({ reaches }) => reaches,
    async check(stage) {
      const { reach } = stage.harness;
      if (reach === undefined) throw new LawBroken('the harness has no program that asks for a URL');
      const address = await addressOf(stage);
      if (address === undefined) return;
      await whileListening(address, async (url, answer) => {
        const task = await stage.start([], { entrypoint: [], ...reach(url) });
        const code = stage.exitCode(task);
        const { stdout } = await stage.logs(task);
        assertEqual(await code, 0, `the exit code of a task that asks for ${url}`);
        assertBytes(stdout, utf8(answer), 'what a task was answered');
      });
    },
  },
];

/** The address, checked as far as it can be by itself. */
async function addressOf(stage: SchedulerStage): Promise<string | undefined> {
  const { address } = await stage.scheduler.hostAccess();
  if (address === undefined) return undefined;
  assert(typeof address === 'string' && isIP(address) !== 0, `the address must be an IP address, not ${JSON.stringify(address)}`);
  assert(!holds(UNSPECIFIED, address), `${address} stands for every address of the machine and must not be given for one`);
  return address;
}

function holds(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Something that listens on this address, while `use` runs. */
async function whileListening(address: string, use: (url: string, answer: string) => Promise<void>): Promise<void> {
  const answer = randomUUID();
  const server = createServer((_request, response) => void response.end(answer));
  try {
    const port = await listen(server, address);
    await use(`http://${isIPv6(address) ? `[${address}]` : address}:${port}/`, answer);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function listen(server: Server, address: string): Promise<number> {
  server.listen(0, address);
  await once(server, 'listening').catch((error: unknown) => {
    throw new LawBroken(`nothing can listen on ${address}: it must be an address of this machine`, { cause: error });
  });
  return (server.address() as AddressInfo).port;
}
