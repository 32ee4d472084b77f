/** All attempts of one data directory: the requests about them, and the journal that remembers them. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskExit } from '@gofer/contracts';
import type { InspectReply, ListReply, StartReply, StartRequest, SupervisorSettings } from '../protocol.ts';
import { Attempt } from './attempt.ts';
import { readHeldOutput, writeHeldOutput } from './held-output.ts';
import { Journal, type JournalRecord } from './journal.ts';
import { Output } from './output.ts';
import { PipePool } from './pipe-pool.ts';
import { bootId, creationTimeOf } from './power-failure.ts';
import { ProcessGroup } from './process-group.ts';
import { birthOf } from './process-table.ts';
import { recover } from './recovery.ts';
import { Refusal } from './refusal.ts';
import { Turns } from './turns.ts';
import { makeWorkingDirectory, removeWorkingDirectory } from './working-directory.ts';

const LOST_WITH_SUPERVISOR = 'what it printed last was lost: the process supervisor died';
const NOT_KEPT = 'what was unread of its output was not kept when its supervisor ended, because it may hold secrets';

export class Attempts {
  readonly pipes: PipePool;
  readonly #directory: string;
  readonly #heldDirectory: string;
  readonly #journal: Journal;
  readonly #attempts = new Map<string, Attempt>();
  /** Removals under way: an attempt with the same id waits for them. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #unsureBefore: number;
  readonly #turns = new Turns();
  readonly #taskUmask: number;
  #maxOutputMemory: number;
  /** Called whenever something may have become idle. */
  onQuiet: () => void = () => {};

  /** Takes over a data directory: what an earlier supervisor left running is ended, what it kept is known again. */
  constructor(dataDirectory: string, settings: SupervisorSettings, taskUmask: number) {
    this.#taskUmask = taskUmask;
    this.#directory = join(dataDirectory, 'attempts');
    this.#heldDirectory = join(dataDirectory, 'held');
    this.#maxOutputMemory = settings.maxOutputMemory;
    for (const directory of [this.#directory, this.#heldDirectory]) mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.pipes = new PipePool(join(dataDirectory, 'pipes'));
    const { journal, records } = Journal.open(join(dataDirectory, 'journal'));
    this.#journal = journal;
    const recovery = recover(records, this.#directory);
    this.#unsureBefore = recovery.unsureBefore;
    const unread = new Set(recovery.attempts.filter(({ wasRead }) => !wasRead).map(({ attempt }) => attempt));
    for (const name of readdirSync(this.#heldDirectory)) if (!unread.has(name)) this.#dropHeld(name);
    for (const found of recovery.attempts) {
      const held = readHeldOutput(join(this.#heldDirectory, found.attempt), this.#maxOutputMemory);
      const output = held ?? new Output(this.#maxOutputMemory);
      output.end();
      const attempt = new Attempt(found, join(this.#directory, found.attempt), output, '');
      attempt.startedAt = found.startedAt;
      const lost = held === undefined && !found.wasRead;
      const loss = found.sensitive ? NOT_KEPT : LOST_WITH_SUPERVISOR;
      attempt.end(lost ? withLoss(found.exit, loss) : found.exit);
      // It counts as unread for ever, so that the next supervisor refuses its readers as well.
      if (lost) attempt.outputLoss = new Refusal('DATA_LOSS', loss);
      else this.#watchReading(attempt, held !== undefined);
      this.#attempts.set(attempt.id, attempt);
    }
    this.#journal.compact(this.#records());
  }

  get size(): number {
    return this.#attempts.size;
  }

  /** Whether a task is being started, runs, is being removed, or has output left in its pipes. */
  get active(): boolean {
    if (this.#removals.size > 0) return true;
    for (const attempt of this.#attempts.values()) if (attempt.active) return true;
    return false;
  }

  /** Whether all output was read. */
  get wasRead(): boolean {
    for (const attempt of this.#attempts.values()) if (!attempt.wasRead) return false;
    return true;
  }

  /** Whether there is unread output that this process alone may hold. */
  get holdsSecrets(): boolean {
    for (const attempt of this.#attempts.values()) if (attempt.sensitive && !attempt.wasRead) return true;
    return false;
  }

  set maxOutputMemory(bytes: number) {
    this.#maxOutputMemory = bytes;
    for (const attempt of this.#attempts.values()) attempt.output.limit = bytes;
  }

  /** The attempt with this id; throws `NOT_FOUND`. */
  get(id: string): Attempt {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) throw new Refusal('NOT_FOUND', `the process engine does not know attempt ${id}`);
    return attempt;
  }

  /** Starts an attempt, once however often it is asked; `startedBy` names the request. */
  async start(request: StartRequest, startedBy: string): Promise<StartReply> {
    for (let removal = this.#removals.get(request.attempt); removal !== undefined; removal = this.#removals.get(request.attempt))
      await removal;
    const known = this.#attempts.get(request.attempt);
    if (known !== undefined) {
      if (known.exit?.kind === 'lost') throw new Refusal('TASK_LOST', `attempt ${known.id} was started before: ${known.exit.reason}`);
      return await known.started;
    }
    if ((creationTimeOf(request.attempt) ?? Number.POSITIVE_INFINITY) < this.#unsureBefore) {
      throw new Refusal('TASK_LOST', `attempt ${request.attempt} may have been started before: the machine was restarted without warning`);
    }
    const output = new Output(this.#maxOutputMemory);
    const attempt = new Attempt(request, join(this.#directory, request.attempt), output, startedBy);
    this.#attempts.set(attempt.id, attempt);
    attempt.started = this.#launch(attempt, request);
    return await attempt.started;
  }

  async #launch(attempt: Attempt, request: StartRequest): Promise<StartReply> {
    try {
      const record = startRecord(attempt);
      if (creationTimeOf(attempt.id) === undefined) await this.#journal.commit(record);
      else this.#journal.append(record);
      await makeWorkingDirectory(attempt.directory);
      await this.#turns.next();
      if (attempt.abandoned) throw new Refusal('CANCELLED', 'the start was given up');
      attempt.env = {
        PATH: request.path,
        HOME: attempt.directory,
        TMPDIR: attempt.directory,
        ...request.env,
      };
      attempt.umask = request.umask ?? this.#taskUmask;
      const options = {
        argv: request.argv,
        directory: attempt.directory,
        env: attempt.env,
        umask: attempt.umask,
        input: false,
      };
      const group = await ProcessGroup.start(options, this.pipes, attempt.output);
      attempt.group = group;
      attempt.startedAt = Date.now();
      attempt.birth = birthOf(group.pid);
      const { birth, startedAt } = attempt;
      this.#journal.noteLater({
        step: 'run',
        attempt: attempt.id,
        pid: group.pid,
        birth,
        startedAt,
      });
      this.#watchReading(attempt);
      group.exited.then(({ exitCode, reason }) => {
        const endedAt = Date.now();
        this.#end(attempt, reason === undefined ? { kind: 'exited', exitCode, endedAt } : { kind: 'exited', exitCode, endedAt, reason });
      }, fail);
      return { startedAt };
    } catch (error) {
      await this.#forget(attempt, 'was never started');
      throw error;
    }
  }

  #end(attempt: Attempt, exit: TaskExit): void {
    this.#journal.noteLater({ step: 'exit', attempt: attempt.id, exit });
    attempt.end(exit);
    this.onQuiet();
  }

  #watchReading(attempt: Attempt, isHeld = false): void {
    attempt.output.onRead = () => {
      if (isHeld) {
        // Without the file, and without the record, it would count as lost.
        this.#journal.note({ step: 'read', attempt: attempt.id });
        this.#dropHeld(attempt.id);
      } else this.#journal.noteLater({ step: 'read', attempt: attempt.id });
      this.onQuiet();
    };
  }

  #dropHeld(name: string): void {
    rmSync(join(this.#heldDirectory, name), { force: true });
  }

  /** Undoes a start, if this request made it. */
  async abandon(id: string, startedBy: string): Promise<void> {
    if (this.#attempts.get(id)?.startedBy === startedBy) await this.remove(id);
  }

  async stop(id: string, graceMs: number): Promise<void> {
    await this.#attempts.get(id)?.stop(graceMs).catch(ignoreNeverStarted);
  }

  /** Removes an attempt and all that is kept for it, ending it first if it runs. */
  async remove(id: string): Promise<void> {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return await this.#removals.get(id);
    attempt.abandoned = true;
    await attempt.stop(0).catch(ignoreNeverStarted);
    if (this.#attempts.get(id) === attempt) await this.#forget(attempt, 'was removed');
    else await this.#removals.get(id);
  }

  async #forget(attempt: Attempt, what: string): Promise<void> {
    this.#attempts.delete(attempt.id);
    attempt.group?.discard();
    attempt.output.clear();
    attempt.forget(what);
    this.#dropHeld(attempt.id);
    const removal = removeWorkingDirectory(attempt.directory).finally(() => {
      this.#journal.noteLater({ step: 'remove', attempt: attempt.id });
      this.#removals.delete(attempt.id);
      if (this.#journal.wantsCompaction) this.#journal.compact(this.#records());
      this.onQuiet();
    });
    this.#removals.set(attempt.id, removal);
    await removal;
  }

  inspect(id: string): InspectReply {
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return { state: 'gone' };
    return attempt.exit === undefined ? { state: attempt.state } : { state: 'exited', exit: attempt.exit };
  }

  list(labels: Readonly<Record<string, string>>): ListReply {
    const wanted = Object.entries(labels);
    const tasks = [];
    for (const attempt of this.#attempts.values()) {
      if (!wanted.every(([key, value]) => attempt.labels[key] === value)) continue;
      tasks.push({
        attempt: attempt.id,
        labels: attempt.labels,
        state: attempt.state,
      });
    }
    return { tasks };
  }

  /** The last act of a supervisor that has nothing to do: what is still unread goes to the disk, unless it may hold secrets. */
  retire(): void {
    for (const attempt of this.#attempts.values()) {
      if (!attempt.wasRead && !attempt.sensitive) writeHeldOutput(join(this.#heldDirectory, attempt.id), attempt.output);
    }
    this.#journal.compact([...this.#records(), { step: 'close', reason: '' }]);
  }

  /** The last act of a supervisor that must go: its tasks go first, and what is unread goes with them. */
  killAll(reason: string): void {
    for (const attempt of this.#attempts.values()) attempt.group?.kill('SIGKILL');
    this.#journal.note({ step: 'close', reason });
  }

  #records(): JournalRecord[] {
    const records: JournalRecord[] = [{ step: 'open', pid: process.pid, at: Date.now(), boot: bootId(), unsureBefore: this.#unsureBefore }];
    for (const attempt of this.#attempts.values()) {
      const { id, group, birth, startedAt } = attempt;
      records.push(startRecord(attempt));
      if (startedAt > 0)
        records.push({
          step: 'run',
          attempt: id,
          pid: group?.pid ?? 0,
          birth,
          startedAt,
        });
      if (attempt.exit !== undefined) records.push({ step: 'exit', attempt: id, exit: attempt.exit });
      if (attempt.wasRead && attempt.outputLoss === undefined) records.push({ step: 'read', attempt: id });
    }
    return records;
  }
}

function startRecord({ id, labels, sensitive }: Attempt): JournalRecord {
  return { step: 'start', attempt: id, labels, ...(sensitive ? { sensitive } : {}) };
}

/** An exit that says what was lost, once however often it is recovered; one that is lost itself says enough. */
function withLoss(exit: TaskExit, loss: string): TaskExit {
  if (exit.kind === 'lost' || exit.reason?.endsWith(loss) === true) return exit;
  return { ...exit, reason: exit.reason === undefined ? loss : `${exit.reason}; ${loss}` };
}

/** Stopping what could not be started succeeds; whoever started it is told why. */
function ignoreNeverStarted(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}

function fail(error: unknown): never {
  throw error;
}
