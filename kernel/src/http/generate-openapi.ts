/** Writes `sdk/openapi.json`, from which clients in other languages are made: `npm run generate:openapi`. */
import { readFile, writeFile } from 'node:fs/promises';
import { toOpenApi } from './docs/open-api.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
await writeFile('sdk/openapi.json', `${JSON.stringify(toOpenApi(version), null, 2)}\n`);
