import type { BuiltInPlugins } from '@gofer/kernel';
import { processSupervisor } from './assets.ts';

/** The plugins that this distribution brings, each loaded when the configuration names it. */
export const builtInPlugins: BuiltInPlugins = {
  scheduler: {
    docker: () => import('@gofer/scheduler-docker'),
    process: async () => {
      const loaded = await import('@gofer/scheduler-process');
      const entry = processSupervisor();
      if (entry !== undefined)
        loaded.registerSupervisorCommand({ file: process.execPath, args: [...loaded.supervisorNodeFlags(entry), entry] });
      return loaded;
    },
    fake: () => import('@gofer/scheduler-fake'),
  },
  object_store: {
    sqlite: () => import('@gofer/object-store-sqlite'),
    filesystem: () => import('@gofer/object-store-filesystem'),
  },
  secret_store: { sqlite: () => import('@gofer/secret-store-sqlite') },
  auth: { token: () => import('@gofer/auth-token') },
  automatic: ['docker', 'process'],
};
