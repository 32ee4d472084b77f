export { extension } from './pipeline-extension.ts';
