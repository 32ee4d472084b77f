/** What can be wrong with `hostAccess`. */
import type { HostAccess } from '@gofer/contracts';
import type { BrokenScheduler } from './broken-scheduler.ts';

class Access implements HostAccess {
  readonly address = '127.0.0.1';
}

const says = (access: HostAccess): BrokenScheduler['breaks'] => {
  return () => ({ hostAccess: async () => access });
};

export const BROKEN_HOST_ACCESS: readonly BrokenScheduler[] = [
  {
    fault: 'says how it is reached with an object of a class',
    fails: ['hostAccess: an address', 'hostAccess: says the same'],
    breaks: says(new Access()),
  },
  {
    fault: 'gives a name for an address',
    fails: ['hostAccess: an address'],
    breaks: says({ address: 'host.docker.internal' }),
  },
  {
    fault: 'gives every address of the machine for one',
    fails: ['hostAccess: an address', 'hostAccess: a task reaches'],
    breaks: says({ address: '0.0.0.0' }),
  },
  {
    fault: 'gives the address of another machine',
    fails: ['hostAccess: an address', 'hostAccess: a task reaches'],
    // A network for documentation (RFC 5737), which no machine is on.
    breaks: says({ address: '203.0.113.7' }),
  },
  {
    fault: 'gives an address of the network though its tasks are not isolated',
    fails: ['hostAccess: the address of tasks'],
    declares: { isolation: false },
    breaks: says({ address: '192.168.0.1' }),
  },
  {
    fault: 'gives another address each time',
    fails: ['hostAccess: says the same'],
    breaks() {
      let asked = 0;
      return { hostAccess: async () => ({ address: `127.0.0.${++asked}` }) };
    },
  },
  {
    fault: 'keeps its tasks from the address that it gives',
    fails: ['hostAccess: a task reaches'],
    breaks: (sound) => ({
      // Port 0 is one that nothing listens on.
      start: (spec, signal) =>
        sound.start({ ...spec, command: spec.command?.map((word) => word.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:0')) ?? [] }, signal),
    }),
  },
];
