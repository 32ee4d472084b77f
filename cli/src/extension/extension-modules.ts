import type { ExtensionFactory } from '@gofer/sdk/extension';
import type { BuiltInName } from './built-in-names.ts';

/** The extensions that this distribution brings, each loaded in the process that runs it. */
export const extensionModules: Readonly<Record<BuiltInName, () => Promise<{ readonly extension: ExtensionFactory }>>> = {
  cron: () => import('@gofer/extension-cron'),
  github: () => import('@gofer/extension-github'),
  interval: () => import('@gofer/extension-interval'),
  pipeline: () => import('@gofer/extension-pipeline'),
  webhook: () => import('@gofer/extension-webhook'),
};
