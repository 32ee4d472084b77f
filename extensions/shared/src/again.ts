/** What makes the keys of an event that is to be done again others than those it had before; empty where that is not asked for. */
export function againOf(again: number | undefined): string {
  return again === undefined ? '' : `/again/${again}`;
}
