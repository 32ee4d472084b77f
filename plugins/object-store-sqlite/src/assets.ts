/**
 * Where the thread's entry is. Run from source it is where it was written; in a bundle, which puts every entry into one folder, it is
 * `object-store-sqlite-worker.js` beside this code. No other module builds such a path.
 */
const fromSource = import.meta.url.endsWith('/assets.ts');

export function workerEntry(): URL {
  return new URL(`./object-store-sqlite-worker.${fromSource ? 'ts' : 'js'}`, import.meta.url);
}
