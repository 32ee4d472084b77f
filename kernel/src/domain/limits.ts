/**
 * How many runs of a pipeline may run at once. `parallelism` 0 means the server's limit, a server limit of 0 means unlimited, and
 * otherwise the smaller one holds. Unlimited is `Infinity`.
 */
export function effectiveRunLimit(parallelism: number, serverLimit: number): number {
  return Math.min(unlimitedIfZero(parallelism), unlimitedIfZero(serverLimit));
}

/** 0 is how configurations spell "no limit". */
export function unlimitedIfZero(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
