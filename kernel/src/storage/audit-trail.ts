/**
 * Who did what, written with what was done: the entry of a request goes into the first audited commit that the request makes, so that
 * neither is there without the other. The request is known by its asynchronous context, so that no use case has to hand it on. What
 * makes no such commit (a read, a refusal) has its entry in a commit of its own, before it is answered.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { codeOf } from '@gofer/contracts';
import type { AuditTable, NewAuditEntry } from './audit-table.ts';

interface OpenEntry {
  readonly entry: NewAuditEntry;
  readonly target: Record<string, string>;
  written: boolean;
}

type Commit = <T>(work: () => T) => Promise<T>;

export class AuditTrail {
  readonly #table: AuditTable;
  readonly #commit: Commit;
  readonly #requests = new AsyncLocalStorage<OpenEntry>();

  constructor(table: AuditTable, commit: Commit) {
    this.#table = table;
    this.#commit = commit;
  }

  /** Does `work` on behalf of `entry`; its result is `success` or the code of its error, of which there is no entry where `refusals` is false. Whatever it answers is answered once the entry is on the disk. */
  async record<T>(
    entry: NewAuditEntry,
    work: () => T | Promise<T>,
    { refusals }: { readonly refusals: boolean } = { refusals: true },
  ): Promise<T> {
    const open: OpenEntry = { entry, target: { ...entry.target }, written: false };
    let result: T;
    try {
      result = await this.#requests.run(open, work);
    } catch (error) {
      if (!refusals) throw error;
      await this.#finish(open, codeOf(error)).catch((unwritten: unknown) => {
        // Where the disk is full this is the same fault once more; any other must be heard of.
        if (codeOf(unwritten) !== codeOf(error)) throw unwritten;
      });
      throw error;
    }
    await this.#finish(open, 'success');
    return result;
  }

  /** More of what the entry of this request is about, such as the id of what is made; before or in its commit. */
  add(name: string, value: string | number): void {
    const open = this.#requests.getStore();
    if (open !== undefined) open.target[name] = String(value);
  }

  /** A commit in which the entry of the request goes, if there is one that is not written. */
  async commit<T>(work: () => T): Promise<T> {
    const open = this.#requests.getStore();
    // Commits of one tick are made in the context of the first of them: each goes back to its own.
    if (open === undefined || open.written) return this.#commit(() => this.#requests.exit(work));
    try {
      return await this.#commit(() => {
        const value = this.#requests.run(open, work);
        this.#write(open, 'success');
        return value;
      });
    } catch (error) {
      // Neither of the two is there.
      open.written = false;
      throw error;
    }
  }

  async #finish(open: OpenEntry, result: string): Promise<void> {
    if (!open.written) await this.#commit(() => this.#write(open, result));
  }

  #write(open: OpenEntry, result: string): void {
    if (open.written) return;
    this.#table.insert({ ...open.entry, target: open.target }, result);
    open.written = true;
  }
}
