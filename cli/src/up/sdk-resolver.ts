/**
 * Preloaded into users' programs (`node --import`): where their folder does not have the SDK, `@gofer/sdk` resolves to the command's own
 * copy, whose address is this module's query `?sdk=`. A copy of the user's own always comes first.
 */
import { registerHooks } from 'node:module';

const ownCopy = new URL(import.meta.url).searchParams.get('sdk');

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== '@gofer/sdk' || ownCopy === null) return nextResolve(specifier, context);
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
      return { url: ownCopy, shortCircuit: true };
    }
  },
});
