/** Watches containers until they have ended, through every absence of the engine. However many ask, each container is watched once. */
import { GoferError } from '@gofer/contracts';
import type { Container, Disturbance } from './container-state.ts';
import { stateOf, toEpoch } from './container-state.ts';
import type { Engine } from './engine.ts';
import { throwIfAborted } from './engine.ts';
import { ConnectionLost, EngineError, isStatus } from './engine-error.ts';
import { beganLater, remembersContainer, remembersEvent } from './engine-memory.ts';
import { OutsideStops } from './outside-stops.ts';
import { RecentSet } from './recent-set.ts';

const KEPT = 10_000;
/** Between two looks at a container whose end is waited for, and how long after its end the answer to that may take. */
const LOOK_EVERY_MS = 60_000;
const ANSWERS_WITHIN_MS = 5_000;
/** No exit code. */
const NOBODY_KNOWS = -1;

export interface Ending {
  /** Absent: the engine does not know the container. */
  readonly container?: Container;
  /** The engine was away while it was watched this time. */
  readonly interrupted: boolean;
}

interface Watch {
  readonly ending: Promise<Ending>;
  readonly stop: AbortController;
  waiting: number;
}

export class ExitWatch {
  #engine: Engine;
  #watches = new Map<string, Watch>();
  #outsideStops: OutsideStops;
  #interrupted = new RecentSet(KEPT);
  /** Ran while their engine was dead. */
  #unattended = new RecentSet(KEPT);

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#outsideStops = new OutsideStops(engine);
  }

  /** Whether somebody else than this plugin may have ended the container. */
  disturbance(id: string): Disturbance {
    const stopped = this.#outsideStops.has(id);
    if (this.#wasLeftAlone(id)) return stopped ? 'restarted' : 'interrupted';
    return stopped ? 'stopped' : 'none';
  }

  /** The engine was away while somebody watched the container. */
  wasInterrupted(id: string): boolean {
    return this.#interrupted.has(id);
  }

  /** Another engine than the one that started the container watches over it now. */
  hasNewEngine(id: string): void {
    this.#unattended.add(id);
  }

  /** Whether its engine has died under the container, with what it wrote meanwhile. Known once it has ended, to whoever watched it. */
  wasUnattended(id: string): boolean {
    return this.#unattended.has(id);
  }

  /** By whoever watches it, or by the engine that started it. */
  #wasLeftAlone(id: string): boolean {
    return this.#interrupted.has(id) || this.#unattended.has(id);
  }

  /** This plugin is about to end the container. */
  expectEnd(id: string): void {
    this.#outsideStops.expect(id);
  }

  forget(id: string): void {
    this.#outsideStops.forget(id);
    this.#interrupted.delete(id);
    this.#unattended.delete(id);
  }

  /** Resolves when the container does not run (any more). Rejects with `CANCELLED` when aborted. */
  async ending(id: string, signal: AbortSignal): Promise<Ending> {
    throwIfAborted(signal);
    const watch = this.#watches.get(id) ?? this.#begin(id);
    watch.waiting += 1;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(new GoferError('CANCELLED', 'the caller gave up'));
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([watch.ending, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
      watch.waiting -= 1;
      if (watch.waiting === 0) {
        this.#drop(id, watch);
        watch.stop.abort();
      }
    }
  }

  #begin(id: string): Watch {
    const stop = new AbortController();
    const watch: Watch = {
      ending: this.#observe(id, stop.signal),
      stop,
      waiting: 0,
    };
    this.#watches.set(id, watch);
    // Who waits hears of it through `ending`; when nobody does, nobody needs to.
    watch.ending.then(
      () => this.#drop(id, watch),
      () => this.#drop(id, watch),
    );
    return watch;
  }

  #drop(id: string, watch: Watch): void {
    if (this.#watches.get(id) === watch) this.#watches.delete(id);
  }

  async #observe(id: string, stop: AbortSignal): Promise<Ending> {
    let interrupted = false;
    /** The engine went away before it had said that the container has ended. */
    let mayBeUnattended = false;
    /** What that engine had told at last. */
    let lastHeard: number | undefined;
    for (;;) {
      try {
        if (mayBeUnattended && !(await this.#isSameEngine(id, lastHeard, stop))) this.#unattended.add(id);
        [mayBeUnattended, lastHeard] = [false, undefined];
        this.#outsideStops.listen();
        mayBeUnattended = true;
        await this.#told(id, stop);
        mayBeUnattended = false;
        const container = await this.#inspect(id, stop);
        if (stateOf(container.State.Status) === 'gone') return { interrupted };
        if (stateOf(container.State.Status) !== 'running') {
          if (interrupted) await this.#outsideStops.lookBack(id, toEpoch(container.State.FinishedAt), stop);
          return { container: await this.#credible(container, stop), interrupted };
        }
        // Somebody started it again behind our back: it goes on.
      } catch (error) {
        if (isStatus(error, 404)) return { interrupted };
        if (!(error instanceof ConnectionLost)) throw error;
        // Before anybody listens to the next one.
        if (mayBeUnattended) lastHeard ??= this.#outsideStops.lastHeard;
        interrupted = true;
        this.#interrupted.add(id);
        await this.#engine.whenReachable(stop);
      }
    }
  }

  /** Resolves when the engine says that it does not run. Rejects with `ConnectionLost`, too, where it has ended and the engine says nothing. */
  async #told(id: string, stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([stop, over.signal]);
    // `not-running` answers at once for what has ended; `next-exit` would wait for ever.
    const query = { condition: 'not-running' };
    const told = this.#engine.answer({ method: 'POST', path: `/containers/${id}/wait`, query, signal });
    const unheard = this.#endsUnheard(id, signal);
    // Whichever comes second is aborted.
    told.catch(() => undefined);
    unheard.catch(() => undefined);
    try {
      await Promise.race([told, unheard]);
    } finally {
      over.abort();
    }
  }

  /** A connection can be dead and not look it: so the container is looked at now and then. */
  async #endsUnheard(id: string, signal: AbortSignal): Promise<never> {
    for (;;) {
      await pause(LOOK_EVERY_MS, signal);
      const container = await this.#inspect(id, signal).catch((error: unknown) => {
        // An engine that has trouble of its own says nothing of the container.
        if (error instanceof EngineError && !isStatus(error, 404)) return undefined;
        throw error;
      });
      if (container === undefined || stateOf(container.State.Status) === 'running') continue;
      // The answer may be under way.
      await pause(ANSWERS_WITHIN_MS, signal);
      throw new ConnectionLost(`the container ${id.slice(0, 12)} has ended, and the engine did not say so`);
    }
  }

  /** False where its events do not tell any more, too. */
  async #isSameEngine(id: string, lastHeard: number | undefined, stop: AbortSignal): Promise<boolean> {
    const { State: state } = await this.#inspect(id, stop);
    if (await remembersContainer(this.#engine, id, toEpoch(state.StartedAt), stop)) return true;
    return lastHeard !== undefined && (await remembersEvent(this.#engine, lastHeard, stop));
  }

  /**
   * An engine calls 0 the exit code of what it does not find any more as it begins, as where the one before had seen the end and died before
   * it had written it down.
   */
  async #credible(container: Container, stop: AbortSignal): Promise<Container> {
    const { Id: id, State: state } = container;
    if (state.ExitCode !== 0 || !this.#wasLeftAlone(id)) return container;
    if (!(await beganLater(this.#engine, toEpoch(state.FinishedAt), stop))) return container;
    return { ...container, State: { ...state, ExitCode: this.#outsideStops.exitCode(id) ?? NOBODY_KNOWS } };
  }

  #inspect(id: string, signal: AbortSignal): Promise<Container> {
    return this.#engine.json<Container>({ method: 'GET', path: `/containers/${id}/json`, signal });
  }
}

/** Rejects with `CANCELLED` when aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = (): void => resolve();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await promise;
    throwIfAborted(signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
