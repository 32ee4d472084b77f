import { readFile } from 'node:fs/promises';

/** The files of the API explorer that are served, by name, with their media types: no other can be asked for. */
const FILES = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const satisfies Record<string, string>;

export interface SwaggerAsset {
  readonly type: string;
  readonly content: Buffer;
}

const loaded = new Map<string, SwaggerAsset>();

/** Read once, when first asked for; undefined for what is not one of them. */
export async function swaggerAsset(name: string): Promise<SwaggerAsset | undefined> {
  const known = loaded.get(name);
  if (known !== undefined || !Object.hasOwn(FILES, name)) return known;
  const content = await readFile(new URL(import.meta.resolve(`swagger-ui-dist/${name}`)));
  const asset = { type: FILES[name as keyof typeof FILES], content };
  loaded.set(name, asset);
  return asset;
}
