import { serveExtension } from '@gofer/sdk/extension';
import { extension } from './cron-extension.ts';

await serveExtension(extension);
