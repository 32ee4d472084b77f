/**
 * The scheduler contract: how and where a task runs. One task is one container (or whatever the back end has in its place).
 *
 * The caller is the kernel. It records what it is about to do before it calls, hands over only what is valid, and may call any
 * method again after a crash; an implementation makes that safe. Everything that goes in and out is plain, cloneable data, except
 * streams (a result or a last argument that is an `AsyncIterable` of plain data) and an `AbortSignal`, so that a plugin can be
 * hosted behind a `MessagePort`. A failure is an error with a `code` of `errors.ts`.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How a back end names one attempt. JSON, opaque to the kernel, and good after both processes have been restarted. */
export type TaskHandle = { readonly [key: string]: Json };

/** What a back end may lack. Absence has laws too: a method whose capability is false must reject with `UNSUPPORTED`. */
export interface SchedulerCapabilities {
  /** `exec` works. */
  readonly exec: boolean;
  /** `inspect` reports the endpoints of `TaskSpec.ports`; without it a spec with ports is refused. */
  readonly endpoints: boolean;
  /** Standard output and standard error are told apart; without it every chunk says `stdout`. */
  readonly streams: boolean;
  /** `logs` without `after` gives the whole output of a finished attempt again, however often it is read. */
  readonly replay: boolean;
  /** Tasks are images that are pulled; without it `image` is a label only, and no start fails for its image. */
  readonly images: boolean;
  /** Tasks are kept apart from the host and from each other. */
  readonly isolation: boolean;
}

export interface TaskSpec {
  /** A uuid that is never reused: the key of idempotency. */
  readonly attemptId: string;
  /** An image reference, already validated by the kernel. */
  readonly image: string;
  /** Replaces the image's entrypoint; empty or absent means the image's own. */
  readonly entrypoint?: readonly string[];
  /** Replaces the image's command; empty or absent means the image's own. */
  readonly command?: readonly string[];
  /** The task's whole environment beside what the image sets. Never logged by an implementation. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * True: `env` holds secrets, which the output may repeat. An implementation must then write nothing of either into a file of its own
   * (what the back end itself keeps until `remove` is the back end's).
   */
  readonly sensitive?: boolean;
  readonly registryAuth?: { readonly username: string; readonly password: string };
  readonly pullPolicy: 'always' | 'missing' | 'never';
  readonly limits: {
    /** CPUs, as a decimal fraction of one. */
    readonly cpus?: number;
    /** Bytes. */
    readonly memory?: number;
  };
  /** Ports inside the task (1 to 65535) that must be reachable; `inspect` says where. */
  readonly ports: readonly number[];
  /** Keys and values are at most 63 of `[A-Za-z0-9._-]`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What happens on the way to a started task. */
export type StartUpdate =
  /** Why it is not started yet, in words for a person: `pulling image 42 %`. */
  | { readonly kind: 'progress'; readonly message: string }
  /** The last update of every successful start; `startedAt` in epoch milliseconds. */
  | { readonly kind: 'started'; readonly handle: TaskHandle; readonly startedAt: number };

/** How an attempt ended. */
export type TaskExit =
  | {
      readonly kind: 'exited';
      /** 0 to 255; 128 + n for one ended by signal n. */
      readonly exitCode: number;
      /** Epoch milliseconds. */
      readonly endedAt: number;
      /** What the back end knows beside the code, for a person: `out of memory`, `killed by SIGKILL`. */
      readonly reason?: string;
    }
  /** It could not be observed to its end. Never a success. */
  | { readonly kind: 'lost'; readonly reason: string; readonly endedAt: number };

export interface TaskInspection {
  readonly state: 'created' | 'running' | 'exited' | 'gone';
  /** Present if and only if the state is `exited`. */
  readonly exit?: TaskExit;
  /** One for each port of the spec while running: where the kernel reaches it. */
  readonly endpoints: readonly { readonly port: number; readonly url: string }[];
}

export interface LogsRequest {
  /** A cursor of a chunk of this attempt: continue behind that chunk. Absent: from the beginning. */
  readonly after?: string;
  /** True: go on until the output has ended. False: end at what exists now. */
  readonly follow: boolean;
}

/** A piece of output, as the back end delivers it: no line is assumed to end with it. */
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  /** When the back end received it, epoch milliseconds, where it knows. */
  readonly time?: number;
  /** 1 byte or more. */
  readonly bytes: Uint8Array;
  /** Opaque, at most 256 characters; names the end of this chunk. */
  readonly cursor: string;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
}
export type ExecInput =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number };
export type ExecOutput =
  | { readonly kind: 'data'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** The last item. */
  | { readonly kind: 'exit'; readonly exitCode: number };

export interface ListedTask {
  readonly handle: TaskHandle;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'created' | 'running' | 'exited';
}

/** How a task reaches a service of the machine that the server runs on. */
export interface HostAccess {
  /**
   * An IP address of that machine: a service that listens on it is reached from inside a task under the same address. Absent where there
   * is none that only tasks can reach.
   */
  readonly address?: string;
}

export interface Scheduler {
  readonly capabilities: SchedulerCapabilities;

  /**
   * Starts an attempt. Must yield `started` once, last; every attempt that was started must run exactly once, however often this is
   * called with its id: a second call yields the same handle and starts nothing. Must reject with `TASK_LOST` where the attempt was
   * started before and is no longer known, with `IMAGE_NOT_FOUND` or `IMAGE_PULL_FAILED` for its image (the message is what the user
   * reads), with `INVALID_ARGUMENT` for a command that cannot be executed, with `UNAVAILABLE` where the back end is not reachable.
   * On any rejection, and when `signal` aborts before `started` (then with `CANCELLED`), nothing of the attempt must be left behind.
   * Must ask for the labels of `host.instanceId` nowhere: the kernel has put them into `labels`.
   */
  start(spec: TaskSpec, signal: AbortSignal): AsyncIterable<StartUpdate>;

  /**
   * Resolves when the attempt has ended, at once if it has already, as often as it is asked. Must survive the back end's going away
   * and coming back; must resolve `lost` (with the reason) when the attempt cannot be observed any more. Rejects with `NOT_FOUND`
   * after `remove` and with `CANCELLED` when `signal` aborts; neither touches the task.
   */
  wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit>;

  /**
   * Asks the task to end (SIGTERM), and ends it by force (SIGKILL) once `graceMs` have passed; 0 is by force at once. Resolves when it
   * has ended. Must succeed for one that has ended already or is gone.
   */
  stop(handle: TaskHandle, graceMs: number): Promise<void>;

  /** Removes an ended attempt and everything kept for it, its output included. Must succeed for one that is gone; ends one that runs. */
  remove(handle: TaskHandle): Promise<void>;

  /** Must say `gone`, not reject, for what was removed or is not known. */
  inspect(handle: TaskHandle): Promise<TaskInspection>;

  /**
   * The output, in the order of each stream exactly and across the two by arrival. Must yield every byte once: a reader that continues
   * `after` a cursor gets what follows that chunk, without a gap and without a repetition. Must wait while the reader does not ask
   * (back-pressure; memory stays bounded). By asking for the next chunk the reader says that it has kept the ones before: without the
   * capability `replay` an implementation may then forget them, and `after` an older cursor gives what is still held. With `follow`
   * must end when the task has ended and its last byte was read, and must survive the back end's going away and coming back. Rejects
   * with `NOT_FOUND` after `remove`, with `DATA_LOSS` where output that was not read is lost, and with `CANCELLED` when `signal` aborts. An
   * attempt has one reader at a time.
   */
  logs(handle: TaskHandle, request: LogsRequest, signal: AbortSignal): AsyncIterable<LogChunk>;

  /** Runs one more command inside a running task. Rejects with `FAILED_PRECONDITION` where it does not run. */
  exec(handle: TaskHandle, request: ExecRequest, signal: AbortSignal, input?: AsyncIterable<ExecInput>): AsyncIterable<ExecOutput>;

  /** Every attempt, running or ended, that carries all these labels and was not removed; never anything that it did not start. */
  list(labels: Readonly<Record<string, string>>): Promise<readonly ListedTask[]>;

  /**
   * How tasks reach the kernel. `address` must be an address of this machine on which the kernel can listen; a loopback address where
   * tasks are not isolated, and else one that is not reachable from other machines. Must say the same as long as nobody changes the
   * network. Rejects with `UNAVAILABLE` where the back end cannot be asked.
   */
  hostAccess(): Promise<HostAccess>;
}
