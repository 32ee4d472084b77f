import { serveExtension } from '@gofer/sdk/extension';
import { extension } from './index.ts';

await serveExtension(extension);
