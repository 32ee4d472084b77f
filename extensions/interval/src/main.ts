import { serveExtension } from '@gofer/sdk/extension';
import { extension } from './interval-extension.ts';

await serveExtension(extension);
