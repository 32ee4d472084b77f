/** Hosts a scheduler behind a port. */
import type { PluginInstance } from '../plugin.ts';
import type { ExecInput, Scheduler } from '../scheduler.ts';
import { servePort } from './port-server.ts';
import type { PortLike } from './protocol.ts';
import type { SchedulerCall, SchedulerStreamCall, SchedulerUnaryCall } from './scheduler-calls.ts';

/** Serves `scheduler` on `port` until the port closes, and closes it then. The other end is `connectScheduler`. */
export function hostScheduler(scheduler: Scheduler & PluginInstance, port: PortLike): void {
  servePort<SchedulerCall>(port, {
    facts: scheduler.capabilities,
    call: (call, signal) => callScheduler(scheduler, call as SchedulerUnaryCall, signal),
    open: (call, signal, input) =>
      openStream(scheduler, call as SchedulerStreamCall, signal, input as AsyncIterable<ExecInput> | undefined),
    lost: () => scheduler.close(),
  });
}

async function callScheduler(scheduler: Scheduler & PluginInstance, call: SchedulerUnaryCall, signal: AbortSignal): Promise<unknown> {
  switch (call.method) {
    case 'health':
      return scheduler.health();
    case 'close':
      return scheduler.close();
    case 'wait':
      return scheduler.wait(call.handle, signal);
    case 'stop':
      return scheduler.stop(call.handle, call.graceMs);
    case 'remove':
      return scheduler.remove(call.handle);
    case 'inspect':
      return scheduler.inspect(call.handle);
    case 'list':
      return scheduler.list(call.labels);
    case 'hostAccess':
      return scheduler.hostAccess();
    default:
      return call satisfies never;
  }
}

function openStream(
  scheduler: Scheduler,
  call: SchedulerStreamCall,
  signal: AbortSignal,
  input: AsyncIterable<ExecInput> | undefined,
): AsyncIterable<unknown> {
  switch (call.method) {
    case 'start':
      return scheduler.start(call.spec, signal);
    case 'logs':
      return scheduler.logs(call.handle, call.request, signal);
    case 'exec':
      return scheduler.exec(call.handle, call.request, signal, input);
    default:
      return call satisfies never;
  }
}
