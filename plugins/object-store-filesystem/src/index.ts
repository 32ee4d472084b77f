export type { FilesystemConfig } from './filesystem-config.ts';
export { plugin } from './plugin.ts';
