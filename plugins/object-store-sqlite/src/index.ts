export { plugin } from './plugin.ts';
export type { SqliteConfig } from './sqlite-config.ts';
