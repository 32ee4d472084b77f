/** What a run's end is called. */

export type RunStatus = 'successful' | 'failed' | 'cancelled';

/** Must be asked once every task has ended. A skipped task is as good as a successful one; one cancelled alone is as bad as failed. */
export function runStatusOf(ended: { readonly cancelled: boolean; readonly unsuccessful: number }): RunStatus {
  if (ended.cancelled) return 'cancelled';
  return ended.unsuccessful > 0 ? 'failed' : 'successful';
}
