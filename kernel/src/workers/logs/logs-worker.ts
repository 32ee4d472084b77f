/** The entry of the thread that keeps logs. */
export { serveLogs as default } from './serve-logs.ts';
