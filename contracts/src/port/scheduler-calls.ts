/** The scheduler contract as data: each method with its arguments, without streams and signals, which cross by themselves. */
import type { ExecRequest, LogsRequest, TaskHandle, TaskSpec } from '../scheduler.ts';

export type SchedulerUnaryCall =
  | { readonly method: 'health' }
  | { readonly method: 'close' }
  | { readonly method: 'hostAccess' }
  | { readonly method: 'wait'; readonly handle: TaskHandle }
  | {
      readonly method: 'stop';
      readonly handle: TaskHandle;
      readonly graceMs: number;
    }
  | { readonly method: 'remove'; readonly handle: TaskHandle }
  | { readonly method: 'inspect'; readonly handle: TaskHandle }
  | {
      readonly method: 'list';
      readonly labels: Readonly<Record<string, string>>;
    };

export type SchedulerStreamCall =
  | { readonly method: 'start'; readonly spec: TaskSpec }
  | {
      readonly method: 'logs';
      readonly handle: TaskHandle;
      readonly request: LogsRequest;
    }
  | {
      readonly method: 'exec';
      readonly handle: TaskHandle;
      readonly request: ExecRequest;
    };

export type SchedulerCall = SchedulerUnaryCall | SchedulerStreamCall;
