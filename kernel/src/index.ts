export type { BuiltInPlugins } from './boot/load-scheduler.ts';
export type { RunningServer, ServerOptions } from './boot/start-server.ts';
export { startServer } from './boot/start-server.ts';
export type { BuiltInCommand, BuiltInExtensions } from './extensions/built-in-extensions.ts';
export { backUp } from './operations/back-up.ts';
export type { BackupManifest } from './operations/backup-format.ts';
export { checkServer } from './operations/check.ts';
export { restore } from './operations/restore.ts';
