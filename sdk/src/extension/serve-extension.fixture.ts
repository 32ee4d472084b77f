/** An extension as a process, for the tests: `MODE` says what is wrong with it. */
import type { ExtensionHost } from './extension.ts';
import { serveExtension } from './serve-extension.ts';

await serveExtension((host: ExtensionHost) => {
  if (host.config('mode') === 'broken') throw new Error('MODE must not be broken');
  if (host.config('mode') === 'mistaken') throw new TypeError('nothing has no length');
  return {
    info: { documentation: host.config('mode') ?? '', configParams: [], subscriptionParams: [] },
    async start() {
      if (host.config('mode') === 'objects') host.log('info', 'objects', { keys: await host.objects.list() });
    },
    subscribe() {
      setImmediate(() => {
        throw new Error('a fault of a timer');
      });
    },
    unsubscribe() {},
    debug: () => Object.entries(process.env).filter(([, value]) => value === 'hunter2'),
    shutdown() {
      host.log('info', 'good-bye', { aborted: host.signal.aborted });
    },
  };
});
