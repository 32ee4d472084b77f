/**
 * Runs the extensions that come with the server, as its child processes: they need no scheduler and no image. They end with the server,
 * however that ends, and are started anew by the next.
 */
import { GoferError } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import { builtInEnvironment } from './built-in-environment.ts';
import { type BuiltInCommand, type BuiltInExtensions, builtInName } from './built-in-extensions.ts';
import { BuiltInProcess } from './built-in-process.ts';
import type { ExtensionHost, ExtensionStart, RunningExtension } from './extension-host.ts';
import { throwIfAborted } from './scheduler-patience.ts';

export interface BuiltInHostOptions {
  readonly extensions: BuiltInExtensions;
  readonly clock: Clock;
  /** How long a child may take to say where it listens; default 30,000 ms. */
  readonly startTimeoutMs?: number;
}

const START_TIMEOUT_MS = 30_000;

export class BuiltInHost implements ExtensionHost {
  readonly engine = 'builtin';
  readonly replay = false;
  readonly keepsOutput = false;
  readonly #options: BuiltInHostOptions;

  constructor(options: BuiltInHostOptions) {
    this.#options = options;
  }

  /** Rejects with `INVALID_ARGUMENT` for a name or a setting that cannot be used, and with `UNAVAILABLE` where the child does not come up. */
  async start(start: ExtensionStart, progress: (message: string) => void, signal: AbortSignal): Promise<RunningExtension> {
    const command = this.#command(start);
    const env = builtInEnvironment(start, command);
    throwIfAborted(signal);
    progress('starting its process');
    const { clock, startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    const child = await BuiltInProcess.spawn({ command, env, clock, extensionId: start.extensionId });
    try {
      await child.announced(startTimeoutMs, signal);
      return child;
    } catch (error) {
      await child.destroy();
      throw error;
    }
  }

  /** None outlives its server. */
  async adopt(): Promise<undefined> {
    return undefined;
  }

  /** Nothing is kept of one that has ended. */
  async remove(): Promise<void> {}

  #command({ image, extensionId }: ExtensionStart): BuiltInCommand {
    const { extensions } = this.#options;
    const name = builtInName(image);
    const command = name !== undefined && extensions.names.includes(name) ? extensions.command(name) : undefined;
    if (command !== undefined) return command;
    const known = extensions.names.length === 0 ? 'none does' : extensions.names.map((each) => `builtin:${each}`).join(', ');
    throw new GoferError(
      'INVALID_ARGUMENT',
      `the extension '${extensionId}' is to be ${image}, and no extension of that name comes with this server; those that do: ${known}`,
    );
  }
}
