export { extension } from './cron-extension.ts';
