import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { GoferError, type LogChunk } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import { readAnnouncement } from './announcement.ts';
import { ANNOUNCE_FD } from './built-in-environment.ts';
import type { BuiltInCommand } from './built-in-extensions.ts';
import { ChildOutput } from './child-output.ts';
import { type ExtensionEnd, NOWHERE, type RunningExtension } from './extension-host.ts';

export interface BuiltInSpawn {
  readonly command: BuiltInCommand;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly extensionId: string;
  readonly clock: Clock;
}

/** For how long the output of a child that has ended is waited for: a process that it has left behind may hold it open. */
const LAST_OUTPUT_MS = 5000;

/** An extension that runs as a child process of this server. */
export class BuiltInProcess implements RunningExtension {
  readonly handle = undefined;
  readonly ended: Promise<ExtensionEnd>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #extensionId: string;
  readonly #output: ChildOutput;
  #url = NOWHERE;

  /** Rejects with `UNAVAILABLE` where the process cannot be made. */
  static async spawn({ command, env, extensionId, clock }: BuiltInSpawn): Promise<BuiltInProcess> {
    try {
      const child = spawn(command.file, command.args, { env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'], windowsHide: true });
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      return new BuiltInProcess(child, extensionId, clock);
    } catch (error) {
      // The error's own words may show a variable's value.
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      throw new GoferError(
        'UNAVAILABLE',
        `the process of the extension '${extensionId}' could not be started: ${command.file} (${typeof code === 'string' ? code : 'no reason given'})`,
      );
    }
  }

  private constructor(child: ChildProcess, extensionId: string, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    this.#extensionId = extensionId;
    this.#output = new ChildOutput({ stdout: child.stdout as Readable, stderr: child.stderr as Readable }, () => clock.now());
    // Nothing is written to it: it is there to end.
    child.stdin?.on('error', () => {});
    // A signal that could not be sent; what becomes of the child its `exit` says.
    child.on('error', () => {});
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        clock.after(LAST_OUTPUT_MS, () => this.#output.close());
        child.stdin?.destroy();
        resolve(describeExit(code, signal));
      });
    });
  }

  get url(): string {
    return this.#url;
  }

  /**
   * Resolves when it has said where it listens, or has ended. Rejects with `UNAVAILABLE` after `timeoutMs` and where it says something
   * else, and with `CANCELLED` when `signal` aborts.
   */
  async announced(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const forget = this.#clock.after(timeoutMs, () => over.abort());
    const pipe = this.#child.stdio[ANNOUNCE_FD] as Readable;
    try {
      const announcement = await readAnnouncement(pipe, this.ended, AbortSignal.any([signal, over.signal]));
      if (announcement !== undefined) this.#url = announcement;
    } catch (error) {
      if (signal.aborted) throw new GoferError('CANCELLED', 'the caller gave up');
      const reason = over.signal.aborted
        ? `did not say where it listens within ${timeoutMs / 1000} s`
        : `said where it listens, and that cannot be used: ${error instanceof Error ? error.message : String(error)}`;
      throw new GoferError('UNAVAILABLE', `the process of the extension '${this.#extensionId}' ${reason}`);
    } finally {
      forget();
      pipe.destroy();
    }
  }

  logs(after: string | undefined, signal: AbortSignal): AsyncIterable<LogChunk> {
    return this.#output.read(after, signal);
  }

  async stop(graceMs: number): Promise<void> {
    this.#child.kill(graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
    const forget = this.#clock.after(graceMs, () => this.#child.kill('SIGKILL'));
    await this.ended;
    forget();
  }

  /** It cannot be left running: it is told that its server goes, and ends by itself. */
  leave(): void {
    this.#child.stdin?.destroy();
    this.#child.unref();
  }

  /** Ends it by force, and forgets its output. */
  async destroy(): Promise<void> {
    await this.stop(0);
    this.#output.close();
  }
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): ExtensionEnd {
  if (signal === null) return { exitCode: code ?? 0, reason: `it ended with exit code ${code ?? 0}` };
  return { exitCode: 128 + constants.signals[signal], reason: `it was ended by ${signal}` };
}
