/**
 * Where fake tasks live: in this process, by data directory, so that closing an instance leaves them alone and the next instance over
 * the same directory finds them. They die with the process; a handle of an earlier process is of a lost task.
 */
import { randomUUID } from 'node:crypto';
import type { TaskHandle } from '@gofer/contracts';
import type { FakeTask } from './fake-task.ts';

const PROCESS_ID = randomUUID();
const worlds = new Map<string, FakeWorld>();

export class FakeWorld {
  readonly tasks = new Map<string, FakeTask>();
  /** Starts on their way, by attempt id; each resolves when it has started or was given up. */
  readonly starting = new Map<string, Promise<unknown>>();
  #directory: string;
  #users = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static enter(directory: string): FakeWorld {
    const world = worlds.get(directory) ?? new FakeWorld(directory);
    worlds.set(directory, world);
    world.#users++;
    return world;
  }

  /** Once nobody and nothing is in it, it is forgotten. */
  leave(): void {
    this.#users--;
    if (this.#users === 0 && this.tasks.size === 0) worlds.delete(this.#directory);
  }

  handleOf(attemptId: string): TaskHandle {
    return { attempt: attemptId, process: PROCESS_ID };
  }

  find(handle: TaskHandle): FakeTask | undefined {
    return typeof handle.attempt === 'string' ? this.tasks.get(handle.attempt) : undefined;
  }

  /** True for a handle of an earlier process. */
  isLost(handle: TaskHandle): boolean {
    return handle.process !== PROCESS_ID;
  }
}
