/** Runs pipelines when others have run. */
import type { Extension, ExtensionFactory, ExtensionHost } from '@gofer/sdk/extension';
import type { MayFollow } from './completed-run.ts';
import { Followers } from './followers.ts';
import { DEFAULT_MAX_DEPTH, info } from './pipeline-documentation.ts';

export const extension: ExtensionFactory = (host): Extension => {
  const maxDepth = readMaxDepth(host);
  const followers = new Followers(host, maxDepth, readMayFollow(host));
  return {
    info,
    start: () => followers.start(),
    subscribe: (subscription) => followers.set(subscription),
    unsubscribe: (name) => followers.remove(name),
    debug: () => ({ max_depth: maxDepth, following: followers.debug() }),
    shutdown: () => followers.close(),
  };
};

/**
 * An extension hears of every pipeline of a namespace in which it has one subscription: who has made another elsewhere may not be meant to.
 */
function readMayFollow(host: ExtensionHost): MayFollow {
  const text = host.config('FOLLOWED_NAMESPACES') ?? '';
  const names = new Set(text.split(',').map((name) => name.trim()));
  return (own, other) => own === other || names.has('*') || names.has(other);
}

function readMaxDepth(host: ExtensionHost): number {
  const text = host.config('MAX_DEPTH') ?? DEFAULT_MAX_DEPTH;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error(`MAX_DEPTH must be a whole number from 1 to 9999, not ${JSON.stringify(text)}`);
}
