/** Where extensions run: as tasks of a scheduler, or, those that come with the server, as its child processes. Both speak the same protocol. */
import type { LogChunk, TaskHandle } from '@gofer/contracts';

/** The port that an extension listens on inside its container. */
export const EXTENSION_PORT = 8082;

/** The address of what had ended before it could be reached: nobody answers there. */
export const NOWHERE = 'http://127.0.0.1:0';

/** One start of an extension. */
export interface ExtensionStart {
  /** A uuid that is never reused. */
  readonly uid: string;
  readonly extensionId: string;
  readonly extensionUid: string;
  /** An image reference, or `builtin:NAME`. */
  readonly image: string;
  readonly registryAuth?: { readonly username: string; readonly password: string };
  /** Its whole environment; holds secrets. What only the host knows (`GOFER_EXTENSION_SYSTEM_BIND_ADDRESS`) the host adds. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ExtensionEnd {
  readonly exitCode?: number;
  /** For a person. */
  readonly reason: string;
}

export interface RunningExtension {
  /** Where the server reaches it, without a path: `http://127.0.0.1:32768`; `NOWHERE` for one that has ended before that was known. */
  readonly url: string;
  /** Outlives this server; undefined for what ends with it. */
  readonly handle: TaskHandle | undefined;
  /** Resolves when it has ended, however; never rejects. */
  readonly ended: Promise<ExtensionEnd>;
  /** Its output, from the beginning or behind a cursor, until it has ended. */
  logs(after: string | undefined, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** SIGTERM, and SIGKILL after `graceMs`; resolves when it has ended. */
  stop(graceMs: number): Promise<void>;
  /** Lets go of it without ending it: the next server adopts it. */
  leave(): void;
}

export interface ExtensionHost {
  /** The scheduler's name, or `builtin`. */
  readonly engine: string;
  /** As `LogStore.collect` wants it. */
  readonly replay: boolean;
  /** True: all output is kept until `remove`, whatever of it is read. */
  readonly keepsOutput: boolean;
  /**
   * Starts it. `progress` says in words how far it is. Rejects with the scheduler's codes (`IMAGE_NOT_FOUND`, `UNAVAILABLE`, …), with
   * `UNSUPPORTED` where this host cannot run it, and with `CANCELLED` when `signal` aborts; nothing is left behind then. Resolves for one
   * that has ended already, so that its output can be read.
   */
  start(start: ExtensionStart, progress: (message: string) => void, signal: AbortSignal): Promise<RunningExtension>;
  /** One that an earlier server has started and that still runs; undefined where it does not. Rejects with `UNAVAILABLE`. */
  adopt(start: { readonly uid: string; readonly handle: TaskHandle }, signal: AbortSignal): Promise<RunningExtension | undefined>;
  /** Removes what is kept of a start that has ended; ends one that runs. Succeeds for one that is gone. */
  remove(handle: TaskHandle): Promise<void>;
}

export interface ExtensionHosts {
  /** Those that come with the server. */
  readonly builtIn: ExtensionHost;
  /** Where images are started. */
  readonly container: ExtensionHost;
  /** What an earlier server has started may be of another scheduler; undefined where that is not there any more. */
  ofEngine(engine: string): ExtensionHost | undefined;
}
