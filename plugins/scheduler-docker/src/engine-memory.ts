/**
 * Whether the engine that answers now is the one that was there before. No answer of an engine says since when it runs; but it keeps its
 * latest events, 256 of them, in memory and nowhere else: an engine that does not know an event any more is, but for a flood of others,
 * another one.
 */
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { jsonLines } from './json-lines.ts';

/** The part of an event that is used. */
export interface ContainerEvent {
  readonly Action?: string;
  /** Epoch nanoseconds, as precise as a number is: enough to know the event again. */
  readonly timeNano?: number;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: { readonly signal?: string; readonly exitCode?: string } };
}

/** What only the engine that made or started a container can have seen. */
const OF_ITS_BEGIN = new Set(['create', 'start']);

/** That this container was made, or started, by this moment (epoch milliseconds, of the engine's clock). */
export async function remembersContainer(engine: Engine, id: string, at: number, signal?: AbortSignal): Promise<boolean> {
  return remembers(engine, { container: [id] }, at, ({ Action: action = '' }) => OF_ITS_BEGIN.has(action), signal);
}

/** An event that was heard before. */
export async function remembersEvent(engine: Engine, timeNano: number, signal?: AbortSignal): Promise<boolean> {
  return remembers(engine, {}, timeNano / 1e6, (event) => event.timeNano === timeNano, signal);
}

/**
 * Whether this engine began after `endedAt` (epoch milliseconds, of its clock) and is none that lets tasks live on without it: it makes its
 * network "bridge" anew as it begins, behind its look at the containers. False where it does not say.
 */
export async function beganLater(engine: Engine, endedAt: number, signal: AbortSignal): Promise<boolean> {
  try {
    const info = await engine.json<{ readonly LiveRestoreEnabled?: boolean }>({ method: 'GET', path: '/info', signal });
    if (info.LiveRestoreEnabled === true) return false;
    const bridge = await engine.json<{ readonly Created: string }>({ method: 'GET', path: '/networks/bridge', signal });
    return Date.parse(bridge.Created) >= endedAt;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

async function remembers(
  engine: Engine,
  which: Readonly<Record<string, readonly string[]>>,
  at: number,
  isIt: (event: ContainerEvent) => boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // Whole seconds; an end that is yet to come ends the answer when it does.
  const query = { since: '1', until: String(Math.ceil(at / 1000) + 1), filters: JSON.stringify({ type: ['container'], ...which }) };
  const parts = engine.parts({ method: 'GET', path: '/events', query, ...(signal === undefined ? {} : { signal }) });
  for await (const line of jsonLines(parts)) if (isIt(line as ContainerEvent)) return true;
  return false;
}
