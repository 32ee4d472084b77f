/** The entry of the thread that keeps logs. */
export { serveLogs } from './serve-logs.ts';
