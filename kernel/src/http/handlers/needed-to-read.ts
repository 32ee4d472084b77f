import type { Permission } from '@gofer/contracts/api';

/** What may be needed beside the permission to start a run or to subscribe: where variables refer to secrets, and where a run is there already. */
export const NEEDED_TO_READ = {
  pipeline: { action: 'read', resources: ['namespaces', 'pipelines', 'secrets'] },
  global: 'admin',
  runs: { action: 'read', resources: ['namespaces', 'pipelines', 'runs'] },
} as const satisfies Record<string, Permission>;
