/**
 * Whether this server can take work, for probes that come often and from anybody: each part is looked at once in a while, under a time
 * limit, and one look serves all who ask meanwhile. The reasons name parts and never paths, addresses or what others have said.
 */
import type { ReadinessProblem, ReadinessReport } from './services.ts';

export interface ReadinessCheck {
  readonly part: ReadinessProblem['part'];
  /** What is wrong where `look` fails or takes too long. */
  readonly problem: string;
  /** Rejects where the part cannot be used. */
  readonly look: () => Promise<void>;
}

export interface ReadinessOptions {
  readonly checks: readonly ReadinessCheck[];
  /** Asked each time: it costs nothing. */
  readonly diskShortages: () => readonly string[];
  /** How many runs of an earlier server are still being taken up; until none is left this server is not ready. */
  readonly recoveringRuns: () => number;
  readonly watchdog: () => ReadinessReport['watchdog'];
  readonly now: () => number;
  /** What was found, for the operator: that which a probe is not told. */
  readonly failed: (part: string, error: unknown) => void;
}

/** How long one look is good. */
const LOOK_MS = 5000;
/** How long a part may take to answer. */
const LIMIT_MS = 3000;

export class Readiness {
  readonly #options: ReadinessOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<ReadinessProblem[]> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  async report(): Promise<ReadinessReport> {
    const problems = [...(await this.#looked())];
    for (const what of this.#options.diskShortages())
      problems.push({ part: 'disk', reason: `the disk of ${what} has less free than server.minimum_free_disk: no run starts` });
    const recovering = this.#options.recoveringRuns();
    if (recovering > 0) problems.push({ part: 'recovery', reason: `recovering ${recovering} ${recovering === 1 ? 'run' : 'runs'}` });
    const { checks, mended } = this.#options.watchdog();
    return { ready: problems.length === 0, problems, watchdog: { checks, mended } };
  }

  #looked(): Promise<ReadinessProblem[]> {
    const age = this.#options.now() - this.#lookedAt;
    if (this.#looking === undefined || age < 0 || age >= LOOK_MS) {
      this.#lookedAt = this.#options.now();
      this.#looking = this.#look();
    }
    return this.#looking;
  }

  async #look(): Promise<ReadinessProblem[]> {
    const found = await Promise.all(
      this.#options.checks.map(async ({ part, problem, look }): Promise<ReadinessProblem[]> => {
        try {
          await withinLimit(look());
          return [];
        } catch (error) {
          this.#options.failed(part, error);
          return [{ part, reason: problem }];
        }
      }),
    );
    return found.flat();
  }
}

/** Rejects where it takes longer than a probe can wait; the look itself goes on. */
async function withinLimit(look: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer in ${LIMIT_MS} ms`)), LIMIT_MS);
  try {
    await Promise.race([look, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
