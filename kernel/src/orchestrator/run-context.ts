import type { PluginInstance, PluginLog, Scheduler } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import type { Store } from '../storage/store.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import type { LogStore } from '../workers/logs/log-store.ts';
import type { AttemptEnvironments } from './attempt-environment.ts';
import type { Removals } from './removals.ts';
import type { TaskSlots } from './task-slots.ts';

/** A scheduler under the name that the configuration gives it. */
export interface NamedScheduler {
  readonly engine: string;
  readonly scheduler: Scheduler & PluginInstance;
}

/** What every run's loop shares. */
export interface RunContext {
  readonly store: Store;
  readonly dag: DagEngine;
  readonly logs: LogStore;
  /** Takes new attempts. */
  readonly current: NamedScheduler;
  /** The one that an older attempt belongs to; undefined where it is not loaded any more. */
  readonly schedulerOf: (engine: string) => Scheduler | undefined;
  readonly slots: TaskSlots;
  readonly removals: Removals;
  readonly environments: AttemptEnvironments;
  readonly log: PluginLog;
  /** Aborts when this server leaves its runs to the next one. */
  readonly leave: AbortSignal;
  readonly clock: Clock;
  /** Evenly drawn from [0, 1). */
  readonly random: () => number;
  /** Milliseconds between SIGTERM and SIGKILL where a limit ends a task or a run. */
  readonly stopGraceMs: number;
}
