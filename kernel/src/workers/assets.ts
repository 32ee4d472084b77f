/** The worker threads that this package brings. */
export type WorkerName = 'logs' | 'dag';

/**
 * Where the entry of a worker thread is. Run from source it is the TypeScript file in the worker's own folder; in a bundle, which puts
 * all modules into one file of another name, the entry is `<name>-worker.js` beside that file. No other module builds such a path.
 */
export function workerEntry(name: WorkerName): URL {
  const fromSource = import.meta.url.endsWith('/assets.ts');
  return new URL(fromSource ? `./${name}/${name}-worker.ts` : `./${name}-worker.js`, import.meta.url);
}
