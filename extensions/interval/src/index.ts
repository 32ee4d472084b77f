export { extension } from './interval-extension.ts';
