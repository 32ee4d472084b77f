/**
 * Sees to it that one extension runs: starts it, or takes up what an earlier server has started, watches it, and starts it again when it
 * has ended, cannot be started or is not healthy, after a pause that grows. Nothing that goes wrong ends that, until it is stopped.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PluginLog } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';
import type { Store } from '../storage/store.ts';
import { type BoundedLogs, createTextMasker, type LogMasking } from '../workers/logs/index.ts';
import { isBuiltIn } from './built-in-extensions.ts';
import type { ExtensionClient } from './extension-client.ts';
import type { ExtensionEnvironments, PreparedStart } from './extension-environment.ts';
import type { ExtensionHost, ExtensionHosts, RunningExtension } from './extension-host.ts';
import { collectExtensionLog, countOutput, messageOf, noteInLog } from './extension-log.ts';
import { endRun, type RunEnd, type RunListener, type RunTimes, watchRun } from './extension-run.ts';
import { type ExtensionStarts, isUnfinished } from './extension-starts.ts';
import type { ExtensionView } from './extension-view.ts';
import { restartDelay, STEADY_MS } from './restart-delay.ts';

export interface SupervisionParts {
  readonly store: Store;
  readonly logs: BoundedLogs;
  readonly clock: Clock;
  readonly log: PluginLog;
  readonly hosts: ExtensionHosts;
  readonly starts: ExtensionStarts;
  readonly environments: ExtensionEnvironments;
  readonly connect: (extensionId: string, url: string, start: Pick<PreparedStart, 'key' | 'masked'>) => ExtensionClient;
  readonly times: RunTimes;
  /** What a container may write from when this server starts it or takes it up, bytes: its engine keeps all of it. */
  readonly mostOutputBytes: number;
  /** 0 to below 1. */
  readonly random: () => number;
}

export interface SupervisionListener {
  /** What is shown of it has changed. */
  changed(): void;
  /** A start was written down, and has a log soon. */
  started(): void;
  healthy(): Promise<void>;
  ready(): void;
}

/** What is not healthy any more is given little time to end by itself. */
const HOPELESS_GRACE_MS = 10_000;

interface Attempt {
  readonly reason: string;
  readonly healthyMs: number;
  /** It ran, and did not only fail to start. */
  readonly hasRun: boolean;
}

interface Live {
  readonly uid: string;
  readonly running: RunningExtension;
  readonly host: ExtensionHost;
  readonly masking: LogMasking;
}

export class SupervisedExtension {
  readonly record: ExtensionRecord;
  readonly #parts: SupervisionParts;
  readonly #listener: SupervisionListener;
  readonly #stop = new AbortController();
  #leave = new AbortController();
  #view: ExtensionView = { state: 'processing', health: 'unknown', url: '', started: 0 };
  #client: ExtensionClient | undefined;
  #isReady = false;
  #running: RunningExtension | undefined;
  #graceMs = 0;
  #done: Promise<void> | undefined;
  #conceal: (text: string) => string = (text) => text;

  constructor(record: ExtensionRecord, parts: SupervisionParts, listener: SupervisionListener) {
    this.record = record;
    this.#parts = parts;
    this.#listener = listener;
  }

  get view(): ExtensionView {
    return this.#view;
  }

  /** It does not run, and all that there is to say of that is known: what it wrote last, and when it is started again. */
  get hasEnded(): boolean {
    const { state, nextStart } = this.#view;
    return state === 'exited' && (nextStart !== undefined || this.#stop.signal.aborted);
  }

  /** Healthy, and given what `SupervisionListener.healthy` gives it. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** From when it is healthy on, while it runs. */
  get client(): ExtensionClient | undefined {
    return this.#client;
  }

  /** To be called once. `before`: what is to have ended before it is started. */
  run(before?: Promise<void>): void {
    if (before !== undefined) this.#view = { ...this.#view, reason: 'what ran of it is to end first' };
    this.#done = (before ?? Promise.resolve()).then(() => this.#superviseUntilStopped());
  }

  /** Ends it and starts it no more; resolves when it has ended, however long its scheduler cannot be reached. */
  async stop(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    const { nextStart: _, ...view } = this.#view;
    if (!this.#stop.signal.aborted) this.#show({ ...view, state: 'processing', reason: 'it is being stopped' });
    this.#stop.abort();
    await this.#done;
  }

  /** Once it was stopped: waits no longer for its end, which is the next server's. */
  leave(): void {
    this.#leave.abort();
    this.#running?.leave();
  }

  async #superviseUntilStopped(): Promise<void> {
    const { clock, random, log, times } = this.#parts;
    const signal = this.#stop.signal;
    let failures = 0;
    let why: string | undefined;
    while (!signal.aborted) {
      const attempt = await this.#attempt(why);
      if (signal.aborted) break;
      const { reason, healthyMs } = attempt;
      failures = healthyMs >= STEADY_MS ? 1 : failures + 1;
      const delay = restartDelay(failures, times.longestRestartMs, random());
      why = reason;
      await this.#remember(attempt);
      log('warn', `the extension '${this.record.id}' does not run, and is started again in ${Math.ceil(delay / 1000)} s`, { reason });
      this.#show({ ...this.#view, state: 'exited', health: 'unknown', url: '', reason, nextStart: clock.now() + delay });
      await pause(clock, delay, signal).catch(() => {
        // It was stopped, which the loop finds out.
      });
    }
    this.#show({ ...this.#view, state: 'exited', health: 'unknown', url: '', reason: 'it was stopped' });
  }

  /** `why`: it is started again, for this reason. Resolves with why it does not run any more; never rejects. */
  async #attempt(why: string | undefined): Promise<Attempt> {
    const { started } = this.#view;
    try {
      this.#show({ state: 'processing', health: 'unknown', url: '', started, reason: 'it is being started' });
      const { live, prepared } = await this.#begin(why);
      return { ...(await this.#live(live, prepared)), hasRun: true };
    } catch (error) {
      return { reason: this.#conceal(messageOf(error)), healthyMs: 0, hasRun: false };
    }
  }

  async #begin(why: string | undefined): Promise<{ readonly live: Live; readonly prepared: PreparedStart }> {
    const { hosts, environments, starts } = this.#parts;
    const prepared = await environments.prepare(this.record);
    this.#conceal = createTextMasker(prepared.masked);
    const host = isBuiltIn(this.record.image) ? hosts.builtIn : hosts.container;
    const adopted = await this.#takeUp(host, prepared);
    if (adopted !== undefined) return { live: adopted, prepared };
    await starts.prune(this.record.uid);
    const { uid, masking } = await starts.begin(prepared, host.engine);
    this.#listener.started();
    if (why !== undefined) await noteInLog(uid, `started again: ${why}`, this.#parts);
    return { live: { uid, masking, host, running: await this.#start(uid, host, prepared) }, prepared };
  }

  /** What earlier servers have started: goes on with the one that is as it would be started now, and ends the others. */
  async #takeUp(host: ExtensionHost, prepared: PreparedStart): Promise<Live | undefined> {
    const { store, starts, hosts } = this.#parts;
    let live: Live | undefined;
    for (const start of store.extensionStarts.listOf(this.record.uid).filter(isUnfinished).toReversed()) {
      const { uid, handle, engine, fingerprint } = start;
      const isSame = live === undefined && handle !== undefined && engine === host.engine && fingerprint === prepared.fingerprint;
      const running = isSame ? await host.adopt({ uid, handle }, this.#stop.signal) : undefined;
      const masking = running === undefined ? undefined : await starts.maskingOf(start);
      if (running === undefined || masking === undefined) {
        running?.leave();
        await starts.finish(start, hosts.ofEngine(engine), 'the server that had started it ended before it');
      } else {
        live = { uid, running, host, masking };
        this.#view = { ...this.#view, started: start.created };
      }
    }
    return live;
  }

  async #start(uid: string, host: ExtensionHost, prepared: PreparedStart): Promise<RunningExtension> {
    const { starts, clock } = this.#parts;
    let running: RunningExtension | undefined;
    try {
      running = await host.start(
        { uid, ...prepared.start },
        (message) => this.#show({ ...this.#view, reason: this.#conceal(message) }),
        this.#stop.signal,
      );
      this.#view = { ...this.#view, started: clock.now() };
      if (running.handle !== undefined) await starts.started(uid, running.handle);
      return running;
    } catch (error) {
      await noteInLog(uid, `it could not be started: ${this.#conceal(messageOf(error))}`, this.#parts);
      // One that could not be written down must not run on beside the next one.
      running?.leave();
      await starts.finish({ uid, handle: running?.handle }, host);
      throw error;
    }
  }

  async #live({ uid, running, host, masking }: Live, prepared: PreparedStart): Promise<RunEnd> {
    const { clock, connect, mostOutputBytes, times } = this.#parts;
    this.#running = running;
    const client = connect(this.record.id, running.url, prepared);
    const { output, tooMuch } = countOutput(running, host.keepsOutput ? mostOutputBytes : Number.POSITIVE_INFINITY);
    const log = collectExtensionLog(uid, output, { replay: host.replay, masking }, this.#parts, this.#leave.signal);
    log.catch(() => {
      // It may fail while the extension is still watched; whoever waits for it hears of it.
    });
    this.#show({ ...this.#view, url: running.url, engine: host.engine, reason: 'it is to become healthy' });
    const until = AbortSignal.any([this.#stop.signal, tooMuch]);
    const outcome = await watchRun(running, client, times, clock, until, this.#runListener(client));
    this.#client = undefined;
    this.#isReady = false;
    const isStopped = outcome.end === undefined && this.#stop.signal.aborted;
    const reason = isStopped ? 'it was stopped' : this.#conceal(outcome.reason);
    // The last of its output may be waited for.
    if (outcome.end !== undefined) this.#show({ ...this.#view, state: 'exited', health: 'unknown', url: '', reason });
    await this.#putAnEnd({ uid, running, host, masking }, client, log, outcome.end === undefined ? reason : undefined);
    this.#running = undefined;
    await client.close();
    return { ...outcome, reason };
  }

  #runListener(client: ExtensionClient): RunListener {
    return {
      healthy: async (documentation) => {
        const { store } = this.#parts;
        // One that a full disk has nothing to do with runs on.
        if (!isDeepStrictEqual(documentation, store.extensions.find(this.record.id)?.documentation))
          await store.commit(() => store.extensions.setDocumentation(this.record.uid, documentation));
        this.#client = client;
        await this.#listener.healthy();
      },
      ready: () => {
        this.#isReady = true;
        const { reason: _, nextStart: __, ...view } = this.#view;
        this.#show({ ...view, state: 'running', health: 'healthy' });
        this.#listener.ready();
      },
      health: (problem) => {
        const { reason: _, ...view } = this.#view;
        if (problem === undefined) this.#show({ ...view, health: 'healthy' });
        else this.#show({ ...view, health: 'unhealthy', reason: this.#conceal(problem) });
        this.#isReady = problem === undefined;
        if (problem === undefined) this.#listener.ready();
      },
    };
  }

  /** `why`: it runs on, and is ended for this reason. What cannot be done now is done before the next start of it. */
  async #putAnEnd({ uid, running, host }: Live, client: ExtensionClient, log: Promise<void>, why: string | undefined): Promise<void> {
    const { starts, clock } = this.#parts;
    try {
      if (why !== undefined) {
        await noteInLog(uid, `it is ended: ${why}`, this.#parts);
        await endRun(running, client, this.#stop.signal.aborted ? this.#graceMs : HOPELESS_GRACE_MS, clock);
      }
      await log;
      await starts.finish({ uid, handle: running.handle }, host);
    } catch (error) {
      running.leave();
      this.#leave.abort();
      this.#leave = new AbortController();
      this.#parts.log('warn', `the end of a start of the extension '${this.record.id}' could not be seen to`, {
        start: uid,
        reason: this.#conceal(messageOf(error)),
      });
    }
  }

  /** What went wrong, for whoever asks later. */
  async #remember({ reason, hasRun }: Attempt): Promise<void> {
    const { store, clock, log } = this.#parts;
    const { uid, id } = this.record;
    try {
      await store.commit(() => {
        store.extensions.setError(uid, reason, clock.now());
        if (hasRun) store.extensions.addRestart(uid);
      });
    } catch (error) {
      log('warn', `what went wrong with the extension '${id}' could not be kept`, { reason: messageOf(error) });
    }
  }

  #show(view: ExtensionView): void {
    this.#view = view;
    this.#listener.changed();
  }
}
