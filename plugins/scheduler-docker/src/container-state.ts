/** What the engine says about a container, in the words of the contract. */
import { constants } from 'node:os';
import type { TaskExit, TaskInspection } from '@gofer/contracts';
import { taskPorts } from './container-definition.ts';

/** The part of the engine's `inspect` that is used (API 1.40 and later). */
export interface Container {
  readonly Id: string;
  readonly Created: string;
  readonly State: {
    readonly Status: string;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Error?: string;
  };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly NetworkMode: string };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>> | null;
  };
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .map(([name, number]): [number, string] => [number, name])
    .toReversed(),
);
const ENDED_BY_ENGINE = new Set([128 + constants.signals.SIGKILL, 128 + constants.signals.SIGTERM]);
/**
 * What an engine says of a container that ended while it was away, and what is left of one that an engine ended as it shut down before the
 * program had taken the place of its starter (a program in Go, which ends with 2 on SIGTERM).
 */
const UNKNOWN = new Set([255, 2]);

export type ContainerState = TaskInspection['state'];

/** From the engine's `Status` or, in a list, its `State`. A container that is being removed is gone. */
export function stateOf(status: string): ContainerState {
  switch (status) {
    case 'created':
      return 'created';
    case 'running':
    case 'paused':
    case 'restarting':
      return 'running';
    case 'removing':
      return 'gone';
    default:
      return 'exited';
  }
}

/** Epoch milliseconds; 0 where it has not happened (the engine says `0001-01-01T00:00:00Z`). */
export function toEpoch(time: string): number {
  return Math.max(0, Math.trunc(Date.parse(time)) || 0);
}

/** What is known to have happened to a container beside its own doings. */
export type Disturbance =
  | 'none'
  /** The engine was away while the container was watched, or before that, when it had been asked to start it. */
  | 'interrupted'
  /** Somebody else than this plugin told it to end: a person, or the engine as it shut down. */
  | 'stopped'
  /** Both: an engine that starts again ends what still runs. */
  | 'restarted';

/** How a container that does not run any more has ended. */
export function exitOf(container: Container, disturbance: Disturbance): TaskExit {
  const { State: state } = container;
  const endedAt = toEpoch(state.FinishedAt);
  // The engine takes a container that it did not start for one that has ended.
  if (toEpoch(state.StartedAt) === 0) return { kind: 'lost', reason: 'the container was created and never started', endedAt: Date.now() };
  if (state.ExitCode < 0 || state.ExitCode > 255 || endedAt === 0) {
    const said = state.Error === undefined || state.Error === '' ? '' : `: ${state.Error}`;
    return { kind: 'lost', reason: `the Docker engine does not know how the container ended${said}`, endedAt: endedAt || Date.now() };
  }
  // What was told to end and did so politely has not done what it was for.
  if (state.ExitCode === 0 && disturbance === 'stopped') return { kind: 'lost', reason: STOPPED, endedAt };
  if (state.ExitCode === 0 && disturbance === 'restarted') return { kind: 'lost', reason: RESTARTED, endedAt };
  const reason = reasonOf(state, disturbance);
  return { kind: 'exited', exitCode: state.ExitCode, endedAt, ...(reason === undefined ? {} : { reason }) };
}

const STOPPED = 'the Docker engine stopped the task: it was shut down, or somebody stopped the container';
const RESTARTED = 'the Docker engine restarted and ended the task';
const UNSEEN = 'the Docker engine was away when the task ended and may not know how';

function reasonOf(state: Container['State'], disturbance: Disturbance): string | undefined {
  if (state.OOMKilled) return 'out of memory';
  if (disturbance === 'stopped') return STOPPED;
  if (disturbance === 'restarted') return RESTARTED;
  if (disturbance === 'interrupted' && UNKNOWN.has(state.ExitCode)) return UNSEEN;
  if (disturbance === 'interrupted' && ENDED_BY_ENGINE.has(state.ExitCode)) return RESTARTED;
  const signal = SIGNAL_NAMES.get(state.ExitCode - 128);
  return signal === undefined ? undefined : `killed by ${signal}`;
}

/** Where the ports of a running container are reached. `machine`: the engine's, when it is not this one. */
export function endpointsOf(container: Container, machine: string | undefined): TaskInspection['endpoints'] {
  if (stateOf(container.State.Status) !== 'running') return [];
  return taskPorts(container.Config.Labels).flatMap((port) => {
    if (container.HostConfig.NetworkMode === 'host') return [{ port, url: `http://${machine ?? '127.0.0.1'}:${port}` }];
    const binding = container.NetworkSettings.Ports?.[`${port}/tcp`]?.[0];
    return binding === undefined
      ? []
      : [
          {
            port,
            url: `http://${reachableHost(binding.HostIp, machine)}:${binding.HostPort}`,
          },
        ];
  });
}

function reachableHost(address: string, machine: string | undefined): string {
  if (address === '' || address === '0.0.0.0' || address === '::') return machine ?? '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}
