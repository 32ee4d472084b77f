export { startServer } from './boot/start-server.ts';
export type { RunningServer, ServerOptions } from './boot/start-server.ts';
export type { BuiltInPlugins } from './boot/load-scheduler.ts';
