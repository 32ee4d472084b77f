/**
 * The process that owns a data directory's tasks while servers come and go. It stays as long as there is something to watch or to keep,
 * and goes when it has been idle. Unread output it leaves on the disk, except what may hold secrets: that it stays for, unless its data
 * directory is gone.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { writeFrame } from '../frames.ts';
import { PROTOCOL_VERSION, type Request, type SupervisorArguments, type SupervisorFrame } from '../protocol.ts';
import { Attempts } from './attempts.ts';
import { Session, type SessionOwner } from './session.ts';

export class Supervisor implements SessionOwner {
  readonly attempts: Attempts;
  readonly #dataDirectory: string;
  readonly #socketPath: string;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  #idleTimeoutMs: number;
  /** Runs from the last sign of work. */
  readonly #idle: NodeJS.Timeout;
  ending = false;

  /** The caller holds the lock of the data directory. `taskUmask`: that of tasks which are not given one. */
  constructor({ dataDirectory, socketPath, settings }: SupervisorArguments, taskUmask: number) {
    this.#dataDirectory = dataDirectory;
    this.#socketPath = socketPath;
    this.#idleTimeoutMs = settings.idleTimeoutMs;
    this.attempts = new Attempts(dataDirectory, settings, taskUmask);
    this.attempts.onQuiet = () => this.touched();
    this.#server = createServer((socket) => {
      this.#sessions.add(new Session(socket, this));
    });
    this.#idle = setTimeout(() => this.#onIdle(), this.#idleTimeoutMs);
  }

  /** Resolves when servers can connect. */
  async listen(): Promise<void> {
    prepareSocketDirectory(dirname(this.#socketPath));
    // Whoever holds the lock owns the socket: one that lies here is of a dead supervisor.
    rmSync(this.#socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#socketPath, resolve);
    });
    chmodSync(this.#socketPath, 0o600);
    this.attempts.pipes.grow().catch((error: unknown) => process.stderr.write(`named pipes: ${String(error)}\n`));
  }

  hello(session: Session, { version, settings }: Extract<Request, { op: 'hello' }>): void {
    if (version !== PROTOCOL_VERSION) {
      if (this.attempts.size === 0) setImmediate(() => this.#retire());
      else setImmediate(() => session.socket.end());
      return;
    }
    this.#idleTimeoutMs = settings.idleTimeoutMs;
    this.attempts.maxOutputMemory = settings.maxOutputMemory;
  }

  touched(): void {
    if (!this.ending) this.#idle.refresh();
  }

  goodbye(session: Session): void {
    const alone = this.#sessions.size === 1;
    if (alone && this.attempts.size === 0 && !this.attempts.active) this.#retire();
    else session.socket.end();
  }

  closed(session: Session): void {
    this.#sessions.delete(session);
    // A server that died and left nothing behind: nobody needs this process.
    if (this.#sessions.size === 0 && this.attempts.size === 0 && !this.attempts.active) this.#retire();
    this.touched();
  }

  /** Ends the tasks and this process; `reason` goes on record. */
  die(reason: string, exitCode: number): void {
    this.ending = true;
    rmSync(this.#socketPath, { force: true });
    this.attempts.killAll(reason);
    process.exit(exitCode);
  }

  #onIdle(): void {
    // Nothing runs, and who has removed the directory wants nothing of what is kept for it: no server finds this process any more.
    if (!this.attempts.active && !existsSync(this.#dataDirectory)) {
      rmSync(this.#socketPath, { force: true });
      process.exit(0);
    }
    const busy = this.attempts.active || this.attempts.holdsSecrets || (this.#sessions.size > 0 && !this.attempts.wasRead);
    if (busy) this.#idle.refresh();
    else this.#retire();
  }

  #retire(): void {
    if (this.ending) return;
    try {
      this.attempts.retire();
    } catch (error) {
      // Without room on the disk for what is unread, this process keeps it.
      process.stderr.write(`cannot go yet: ${String(error)}\n`);
      this.touched();
      return;
    }
    this.ending = true;
    clearTimeout(this.#idle);
    rmSync(this.#socketPath, { force: true });
    this.#server.close();
    const bye: SupervisorFrame = { bye: true };
    let open = this.#sessions.size;
    if (open === 0) process.exit(0);
    for (const { socket } of this.#sessions) {
      if (socket.writable) writeFrame(socket, bye);
      socket.end(() => {
        if (--open === 0) process.exit(0);
      });
    }
    // A server that does not read must not keep this process.
    setTimeout(() => process.exit(0), 1000);
  }
}

/** The data directory, or one under /tmp that must be this user's alone. */
function prepareSocketDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  const user = process.getuid?.();
  if (!found.isDirectory() || (user !== undefined && found.uid !== user) || (found.mode & 0o022) !== 0) {
    throw new Error(`${directory} must be a directory that only user ${user ?? ''} can write to: remove it, or change its owner and mode`);
  }
}
