/** A scheduler that is hosted behind a port, as the same contract. */
import type { PluginInstance } from '../plugin.ts';
import type {
  ExecOutput,
  HostAccess,
  ListedTask,
  LogChunk,
  Scheduler,
  SchedulerCapabilities,
  StartUpdate,
  TaskExit,
  TaskInspection,
} from '../scheduler.ts';
import { connectPort } from './port-client.ts';
import type { PortLike } from './protocol.ts';
import type { SchedulerCall } from './scheduler-calls.ts';

/** Output of `exec` may run this many items ahead of its reader. */
const EXEC_WINDOW = 8;

/**
 * Connects to what `hostScheduler` serves on the other end of `port`. Every call behaves as the contract says; when the port dies,
 * what is pending and every later call reject with `UNAVAILABLE`. `close` closes the plugin, then the port.
 */
export async function connectScheduler(port: PortLike): Promise<Scheduler & PluginInstance> {
  const client = await connectPort<SchedulerCall>(port);
  let closed: Promise<void> | undefined;
  return {
    capabilities: client.facts as SchedulerCapabilities,
    start: (spec, signal) => client.stream({ method: 'start', spec }, 0, signal) as AsyncIterable<StartUpdate>,
    wait: (handle, signal) => client.call({ method: 'wait', handle }, signal) as Promise<TaskExit>,
    async stop(handle, graceMs) {
      await client.call({ method: 'stop', handle, graceMs });
    },
    async remove(handle) {
      await client.call({ method: 'remove', handle });
    },
    inspect: (handle) => client.call({ method: 'inspect', handle }) as Promise<TaskInspection>,
    // Asking for a chunk says that the ones before were kept, and only the reader knows that: nothing is asked for ahead.
    logs: (handle, request, signal) => client.stream({ method: 'logs', handle, request }, 0, signal) as AsyncIterable<LogChunk>,
    exec: (handle, request, signal, input) =>
      client.stream({ method: 'exec', handle, request }, EXEC_WINDOW, signal, input) as AsyncIterable<ExecOutput>,
    list: (labels) => client.call({ method: 'list', labels }) as Promise<readonly ListedTask[]>,
    hostAccess: () => client.call({ method: 'hostAccess' }) as Promise<HostAccess>,
    async health() {
      await client.call({ method: 'health' });
    },
    close() {
      closed ??= client.call({ method: 'close' }).then(() => client.close());
      return closed;
    },
  };
}
