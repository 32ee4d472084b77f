export type { BuiltInPlugins } from './boot/load-scheduler.ts';
export type { RunningServer, ServerOptions } from './boot/start-server.ts';
export { startServer } from './boot/start-server.ts';
