/** A scheduler that breaks the contract in one way, and what such are made with. */
import type { ExecOutput, LogChunk, PluginHost, PluginInstance, Scheduler, TaskHandle } from '@gofer/contracts';
import type { FakeConfig } from '../fake-config.ts';
import type { FakeScript } from '../fake-script.ts';

type Whole = Scheduler & PluginInstance;

/** `fails` names laws by the beginning of their names, each of which must find the fault. */
export interface BrokenScheduler {
  readonly fault: string;
  readonly fails: readonly string[];
  readonly lacks?: NonNullable<FakeConfig['capabilities']>;
  /** What the plugin says of itself beside the truth. */
  readonly declares?: NonNullable<FakeConfig['capabilities']> & { readonly isolation?: boolean };
  readonly script?: FakeScript;
  /** What replaces the methods of the sound scheduler. Called for each instance. */
  readonly breaks: (sound: Whole, host: PluginHost) => Partial<Whole>;
}

export const NEVER = new AbortController().signal;

/** Changes each chunk of the logs; what becomes `undefined` is dropped. */
export const chunks =
  (change: (chunk: LogChunk) => LogChunk | undefined) =>
  (sound: Whole): Partial<Whole> => ({
    async *logs(...args) {
      for await (const chunk of sound.logs(...args)) {
        const changed = change(chunk);
        if (changed !== undefined) yield changed;
      }
    },
  });

/** Changes each item of `exec`. */
export const execItems =
  (change: (item: ExecOutput) => ExecOutput | undefined) =>
  (sound: Whole): Partial<Whole> => ({
    async *exec(...args) {
      for await (const item of sound.exec(...args)) {
        const changed = change(item);
        if (changed !== undefined) yield changed;
      }
    },
  });

export const inEnds = async (sound: Whole, handle: TaskHandle): Promise<boolean> => (await sound.inspect(handle)).state === 'exited';

export const withoutCode = (error: unknown): Error => new Error(String(error));
