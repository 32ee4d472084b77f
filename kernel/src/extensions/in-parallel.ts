/**
 * Calls `work` for each in turn, at most `width` at the same time, until `isOver`. Resolves when all that was begun has ended; rejects with
 * the first rejection then.
 */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
  isOver: () => boolean = () => false,
): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const { done, value } = rest.next();
      if (done === true) return;
      await work(value);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const each of lanes) if (each.status === 'rejected') throw each.reason;
}
