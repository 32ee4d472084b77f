export { plugin, plugin as tokenAuth } from './plugin.ts';
