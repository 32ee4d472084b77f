import type { BaseContext } from 'clipanion';

/** What a command may know of the process that it runs in; there is nothing else for it to use. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `setRawMode`: of a terminal, whether it passes each key on as it is typed. */
  readonly stdin: BaseContext['stdin'] & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };
  /** `columns`, `rows`: of a terminal, which emits `resize` when they change. */
  readonly stdout: BaseContext['stdout'] & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: BaseContext['stderr'] & { readonly isTTY?: boolean };
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** The Node that runs the command; it also runs users' programs. */
  readonly node: string;
  readonly version: string;
  /** Epoch milliseconds. */
  now(): number;
  /** Sets the file mode creation mask of the process and returns the one before. */
  setUmask(mask: number): number;
  /** While a listener is there the signal does not end the process. Returns what removes it. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): () => void;
}
