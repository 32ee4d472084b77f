/** What this process holds, for the laws of back-pressure. */

/** As `heldMemory`, without what is garbage by now, where the runtime lets one ask for that (`node --expose-gc`). */
export function restingMemory(): number {
  globalThis.gc?.();
  return heldMemory();
}

/** Bytes held in buffers outside the heap and in the heap's strings and objects. */
function heldMemory(): number {
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
}

const SAMPLE_EVERY_MS = 25;
const STEADY_SAMPLES = 32;
const SAMPLES_AT_MOST = 160;
const STEADY_WITHIN = 1024 * 1024;

/** Resolves with the highest amount seen, once it has not risen for a while: whoever reads ahead without bound has had time to. */
export async function settledMemory(): Promise<number> {
  let highest = heldMemory();
  let steady = 0;
  for (let sample = 0; sample < SAMPLES_AT_MOST && steady < STEADY_SAMPLES; sample++) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
    const held = heldMemory();
    steady = held > highest + STEADY_WITHIN ? 0 : steady + 1;
    highest = Math.max(highest, held);
  }
  return highest;
}
