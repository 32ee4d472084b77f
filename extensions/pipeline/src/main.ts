import { serveExtension } from '@gofer/sdk/extension';
import { extension } from './pipeline-extension.ts';

await serveExtension(extension);
