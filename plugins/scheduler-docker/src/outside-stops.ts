/**
 * Which containers were told to end by somebody else: by `docker stop`, or by the engine as it shuts down. Such an end looks like any
 * other, and a task that answers SIGTERM with exit code 0 like a success; only the engine's `kill` events tell. They are listened to
 * while containers are watched, over one connection for all of them; the last event of all is what a later engine does not know, and
 * neither may it know the exit codes that were told.
 */
import { constants } from 'node:os';
import { ATTEMPT_LABEL } from './container-definition.ts';
import type { Engine } from './engine.ts';
import type { ContainerEvent } from './engine-memory.ts';
import { jsonLines } from './json-lines.ts';
import { RecentSet } from './recent-set.ts';

const KEPT = 10_000;
const ENDING_SIGNALS = new Set(
  [constants.signals.SIGTERM, constants.signals.SIGKILL, constants.signals.SIGINT, constants.signals.SIGQUIT].map(String),
);

export class OutsideStops {
  #engine: Engine;
  #stopped = new RecentSet(KEPT);
  /** Told to end by this plugin. */
  #asked = new RecentSet(KEPT);
  /** What the containers have ended with. */
  #exitCodes = new Map<string, number>();
  #listening = false;
  #lastHeard: number | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** From here on the end of this container is no surprise. */
  expect(id: string): void {
    this.#asked.add(id);
  }

  has(id: string): boolean {
    return this.#stopped.has(id);
  }

  forget(id: string): void {
    this.#stopped.delete(id);
    this.#asked.delete(id);
    this.#exitCodes.delete(id);
  }

  /** What the engine that saw it end has said; absent where none did while somebody listened. */
  exitCode(id: string): number | undefined {
    return this.#exitCodes.get(id);
  }

  /** Listens from now on, until the connection breaks or the engine is closed; to be called again whenever it may have. */
  listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    // Whatever breaks it also breaks what waits for a container, and that asks again.
    this.#hear({ filters: eventsOf({ label: [ATTEMPT_LABEL] }) })
      .catch(() => undefined)
      .finally(() => {
        this.#listening = false;
      });
  }

  /** Looks whether an ended container was told to end while nobody listened, as a restarted engine does with what still runs. */
  async lookBack(id: string, endedAt: number, signal: AbortSignal): Promise<void> {
    // Both in seconds of the engine's clock; a moment that is yet to come ends the answer when it does.
    const query = { since: '1', until: String(Math.ceil(endedAt / 1000) + 1) };
    const filters = eventsOf({ container: [id], event: ['kill'] });
    await this.#note(this.#engine.parts({ method: 'GET', path: '/events', query: { ...query, filters }, signal }));
  }

  /** When the last event was that was heard, epoch nanoseconds of the engine. */
  get lastHeard(): number | undefined {
    return this.#lastHeard;
  }

  async #hear(query: Readonly<Record<string, string>>): Promise<void> {
    await this.#note(this.#engine.read(await this.#engine.stream({ method: 'GET', path: '/events', query })));
  }

  async #note(parts: AsyncIterable<Buffer>): Promise<void> {
    for await (const line of jsonLines(parts)) {
      const { Action: action, timeNano, Actor: actor } = line as ContainerEvent;
      this.#lastHeard = timeNano ?? this.#lastHeard;
      const { ID: id, Attributes: attributes } = actor ?? {};
      if (id !== undefined && action === 'die') this.#keepExitCode(id, Number(attributes?.exitCode));
      if (id !== undefined && action === 'kill' && ENDING_SIGNALS.has(attributes?.signal ?? '') && !this.#asked.has(id))
        this.#stopped.add(id);
    }
  }

  #keepExitCode(id: string, exitCode: number): void {
    if (!Number.isInteger(exitCode)) return;
    this.#exitCodes.set(id, exitCode);
    const [oldest] = this.#exitCodes.keys();
    if (this.#exitCodes.size > KEPT && oldest !== undefined) this.#exitCodes.delete(oldest);
  }
}

function eventsOf(which: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({ type: ['container'], ...which });
}
