/**
 * Runs that start by themselves: many cron subscriptions due in the same minutes, and intervals of a second, served by the real built-in
 * extensions of a real server. Each run says for which tick it was started; every tick has one run, and what is measured is how much
 * later than the tick it was accepted. `kills`: so often meanwhile the interval extension is killed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '@gofer/contracts/api';
import { runsOf, subscribe, subscriptionsOf, untilRunning, variableOf } from '../e2e/extension-steps.ts';
import { GoferServer, pipelinePath } from '../e2e/gofer-server.ts';
import { until } from '../e2e/leftovers.ts';
import { type Figures, milliseconds, percentile } from './figures.ts';

export interface TicksPlan {
  readonly crons: number;
  readonly intervals: number;
  readonly durationMs: number;
  readonly kills?: number;
}

export interface Ticks extends Figures {
  /** Milliseconds between a tick and its run, of all intervals. */
  readonly intervalLateness: readonly number[];
  /** Milliseconds between a minute and the last run of that minute, of each minute. */
  readonly cronLateness: readonly number[];
}

const EVERY_MS = 1000;
const MINUTE_MS = 60_000;
/** Of requests beside each other while it is prepared. */
const CLIENTS = 16;
/** What is due at the very end may still be on its way. */
const GRACE_MS = 10_000;

const SETTINGS = ['api.global_run_concurrency_limit=0', 'extensions.runs_per_minute=0', 'extensions.install_std_extensions=true'];

export async function ticks(plan: TicksPlan): Promise<Ticks> {
  const settings = [...SETTINGS, ...(plan.kills === undefined ? [] : ['extensions.longest_restart_delay=1s'])];
  const server = await GoferServer.start('fake', { settings });
  try {
    return await proveTicks(server, plan);
  } finally {
    await server.close();
  }
}

async function proveTicks(server: GoferServer, plan: TicksPlan): Promise<Ticks> {
  await server.ask('PATCH', '/api/extensions/interval', { settings: { MIN_DURATION: '1s' } });
  await untilRunning(server, 'interval');
  await untilRunning(server, 'cron');
  const crons = Array.from({ length: plan.crons }, (_, index) => `cron-${index}`);
  const intervals = Array.from({ length: plan.intervals }, (_, index) => `interval-${index}`);
  await each(crons, (id) => subscribed(server, id, 'cron', { expression: '* * * * * *' }));
  await each(intervals, (id) => subscribed(server, id, 'interval', { every: '1s' }));
  const began = Date.now();
  const end = began + plan.durationMs;
  const kills = await killMeanwhile(server, plan.kills ?? 0);
  await delay(Math.max(0, end - Date.now()));
  const ended = Date.now();
  const faults: string[] = [];
  const intervalLateness: number[] = [];
  const lastOfMinute = new Map<number, { count: number; late: number }>();
  await until(
    'the runs of the last ticks',
    async () => (await latestTick(server, intervals)) >= ended - EVERY_MS || Date.now() > ended + GRACE_MS,
  );
  await each(intervals, async (id) => {
    const started = (await runsOf(server, id)).map((run) => ({ tick: tickOf(run, 'INTERVAL'), at: run.started }));
    // While the extension is away several ticks come to one.
    faults.push(
      ...tickFaults(
        id,
        started.map(({ tick }) => tick),
        began,
        ended,
        plan.kills === undefined,
      ),
    );
    intervalLateness.push(...started.map(({ tick, at }) => at - tick));
    if (plan.kills !== undefined) faults.push(...(await subscriptionFaults(server, id)));
  });
  await each(crons, async (id) => {
    const started = (await runsOf(server, id)).map((run) => ({ tick: tickOf(run, 'CRON'), at: run.started }));
    if (new Set(started.map(({ tick }) => tick)).size !== started.length) faults.push(`${id} has two runs for one minute`);
    for (const { tick, at } of started) {
      const { count, late } = lastOfMinute.get(tick) ?? { count: 0, late: 0 };
      lastOfMinute.set(tick, { count: count + 1, late: Math.max(late, at - tick) });
    }
  });
  for (let minute = Math.ceil(began / MINUTE_MS) * MINUTE_MS; plan.crons > 0 && minute < ended - GRACE_MS; minute += MINUTE_MS) {
    const count = lastOfMinute.get(minute)?.count ?? 0;
    if (count !== plan.crons) faults.push(`${count} of ${plan.crons} cron subscriptions ran at ${new Date(minute).toISOString()}`);
  }
  const cronLateness = [...lastOfMinute.values()].map(({ late }) => late);
  const figures = {
    'ticks of intervals': intervalLateness.length,
    'lateness of an interval': `p50 ${milliseconds(percentile(intervalLateness, 50))}, p99 ${milliseconds(percentile(intervalLateness, 99))}, most ${milliseconds(Math.max(...intervalLateness))}`,
    ...(plan.crons === 0 ? {} : { 'minutes, each with every cron': lastOfMinute.size }),
    ...(plan.crons === 0
      ? {}
      : { 'the last cron of a minute was accepted after': cronLateness.map((late) => milliseconds(late)).join(', ') }),
    ...(plan.kills === undefined ? {} : { 'kills of the extension': kills }),
  };
  return { figures, faults, intervalLateness, cronLateness };
}

/** `isWhole`: none may be missing, at the beginning or between two. */
function tickFaults(id: string, given: readonly number[], began: number, ended: number, isWhole: boolean): string[] {
  const sorted = given.toSorted((a, b) => a - b);
  const faults: string[] = [];
  sorted.forEach((tick, index) => {
    const step = tick - (sorted[index - 1] ?? tick - EVERY_MS);
    if (step === 0) faults.push(`${id} has two runs for ${new Date(tick).toISOString()}`);
    else if (step % EVERY_MS !== 0) faults.push(`${id} is ${step} ms behind its last tick at ${new Date(tick).toISOString()}`);
    else if (isWhole && step !== EVERY_MS)
      faults.push(`${id} has lost ${step / EVERY_MS - 1} ticks before ${new Date(tick).toISOString()}`);
  });
  const [first = Number.POSITIVE_INFINITY, last = 0] = [sorted[0], sorted.at(-1)];
  if (isWhole && first > began + 2 * EVERY_MS) faults.push(`${id} has begun late`);
  if (last < ended - 2 * EVERY_MS) faults.push(`${id} has stopped at ${new Date(last).toISOString()}`);
  return faults;
}

async function subscriptionFaults(server: GoferServer, id: string): Promise<string[]> {
  const subscriptions = await subscriptionsOf(server, id);
  const [only] = subscriptions;
  return subscriptions.length === 1 && only?.status === 'active' ? [] : [`the subscription of ${id} is ${JSON.stringify(subscriptions)}`];
}

/** Each kill waits for the extension to be back; resolves with how many there were. */
async function killMeanwhile(server: GoferServer, kills: number): Promise<number> {
  for (let killed = 0; killed < kills; killed += 1) {
    const pid = builtInProcess(server.pid, 'interval');
    process.kill(pid, 'SIGKILL');
    await until('another process of the extension', async () => {
      const now = findBuiltIn(server.pid, 'interval');
      return now !== undefined && now !== pid;
    });
    await untilRunning(server, 'interval');
  }
  return kills;
}

function builtInProcess(parent: number, name: string): number {
  const pid = findBuiltIn(parent, name);
  if (pid === undefined) throw new Error(`the extension ${name} has no process`);
  return pid;
}

function findBuiltIn(parent: number, name: string): number | undefined {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, rest = ''] = /\) \S (.*)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      if (Number(rest.split(' ')[0]) !== parent) continue;
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (words.includes('run-builtin') && words.includes(name)) return Number(pid);
    } catch (error) {
      // It has ended since it was listed.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))) throw error;
    }
  }
  return undefined;
}

async function subscribed(server: GoferServer, id: string, extension: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await server.deploy(id, [{ id: 'task', command: ['true'] }]);
  await subscribe(server, id, extension, 'tick', settings);
}

/** Of the slowest of them. */
async function latestTick(server: GoferServer, ids: readonly string[]): Promise<number> {
  let slowest = Number.POSITIVE_INFINITY;
  for (const id of ids) {
    const { runs } = await server.ask<{ runs: Run[] }>('GET', `${pipelinePath(id)}/runs?limit=1&reverse=true`);
    slowest = Math.min(slowest, runs[0] === undefined ? 0 : tickOf(runs[0], 'INTERVAL'));
  }
  return slowest;
}

function tickOf(run: Run, extension: 'CRON' | 'INTERVAL'): number {
  return Date.parse(variableOf(run, `GOFER_EXTENSION_${extension}_TICK`) ?? '');
}

async function each(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) await work(id);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
