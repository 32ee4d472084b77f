/** Writes `sdk/openapi.json`, from which clients in other languages are made: `npm run generate:openapi`. */
import { readFile, writeFile } from 'node:fs/promises';
import { toOpenApi } from './docs/open-api.ts';

const root = new URL('../../../', import.meta.url);
const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string };
await writeFile(new URL('sdk/openapi.json', root), `${JSON.stringify(toOpenApi(version), null, 2)}\n`);
