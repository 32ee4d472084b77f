/** What this process holds, for the laws of back-pressure. */

const COLLECTIONS_AT_MOST = 20;
const SAMPLE_EVERY_MS = 25;
const STEADY_SAMPLES = 32;
const SAMPLES_AT_MOST = 160;
const STEADY_WITHIN = 1024 * 1024;

/**
 * Bytes that are held, without what is garbage by now, where the runtime lets one ask for that (`node --expose-gc`). Buffers are given
 * back behind a collection and not by it, so it collects until nothing more goes.
 */
export async function restingMemory(): Promise<number> {
  let held = heldMemory();
  if (globalThis.gc === undefined) return held;
  for (let collection = 0; collection < COLLECTIONS_AT_MOST; collection++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = heldMemory();
    if (now > held - STEADY_WITHIN && collection > 0) return Math.min(now, held);
    held = now;
  }
  return held;
}

/** Bytes held in buffers outside the heap and in the heap's strings and objects. */
function heldMemory(): number {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

/** Resolves with what is held once that has not risen for a while: whoever reads ahead without bound has had time to. */
export async function settledMemory(): Promise<number> {
  let highest = heldMemory();
  let steady = 0;
  for (let sample = 0; sample < SAMPLES_AT_MOST && steady < STEADY_SAMPLES; sample++) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
    const held = heldMemory();
    steady = held > highest + STEADY_WITHIN ? 0 : steady + 1;
    highest = Math.max(highest, held);
  }
  return restingMemory();
}
