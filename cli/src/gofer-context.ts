import type { BaseContext } from 'clipanion';
import type { GoferClient } from './api/gofer-client.ts';
import type { CliSettings } from './cli-settings.ts';
import type { GlobalFlags } from './global-flags.ts';
import type { Colours } from './output/presentation.ts';

/** What a command may know of the process that it runs in; there is nothing else for it to use. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: BaseContext['stdin'];
  readonly stdout: BaseContext['stdout'] & { readonly isTTY?: boolean };
  readonly stderr: BaseContext['stderr'] & { readonly isTTY?: boolean };
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** The Node that runs the command; it also runs users' programs. */
  readonly node: string;
  readonly version: string;
  /** Epoch milliseconds. */
  now(): number;
  /** While a listener is there the signal does not end the process. Returns what removes it. */
  onSignal(signal: 'SIGINT' | 'SIGTERM', listener: () => void): () => void;
}

export interface GoferContext extends BaseContext, Omit<Surroundings, keyof BaseContext> {
  readonly stdin: Surroundings['stdin'];
  readonly stdout: Surroundings['stdout'];
  readonly stderr: Surroundings['stderr'];
  readonly env: Record<string, string | undefined>;
  readonly flags: GlobalFlags;
  /** For stdout and stderr each as that output is a terminal or not. */
  readonly colours: Colours;
  readonly errorColours: Colours;
  /** Read on first use. Rejects with `CONFIG_INVALID`. */
  readonly settings: () => Promise<CliSettings>;
  readonly client: () => Promise<GoferClient>;
  /** Runs another command with the same flags. */
  readonly dispatch: (argv: readonly string[]) => Promise<number>;
}
