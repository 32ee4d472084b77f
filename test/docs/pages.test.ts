/** What can be said of the documentation without running it: generated pages are fresh, links lead somewhere, commands exist, data parses. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tokenAuthConfigSchema } from '@gofer/auth-token/config';
import { loadServerConfig } from '@gofer/config';
import { ERROR_TABLE } from '@gofer/contracts';
import { filesystemConfigSchema } from '@gofer/object-store-filesystem/config';
import { sqliteConfigSchema } from '@gofer/object-store-sqlite/config';
import { plugin as docker } from '@gofer/scheduler-docker';
import { plugin as fake } from '@gofer/scheduler-fake';
import { plugin as processes } from '@gofer/scheduler-process';
import { sqliteSecretStoreConfigSchema } from '@gofer/secret-store-sqlite/config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCommands } from '../../cli/src/help/command-help.ts';
import { generatedPages } from '../../docs/generated-pages.ts';
import { anchorsOf, proseOf, ROOT, readPages } from './markdown.ts';

const pages = readPages();
const blocks = (language: string) => pages.flatMap((page) => page.blocks.filter((block) => block.language === language));

describe('generated pages', () => {
  it.each(Object.entries(generatedPages()))('docs/%s is fresh', (name, content) => {
    expect(readFileSync(join(ROOT, 'docs', name), 'utf8') === content, `docs/${name} is stale: npm run generate:docs`).toBe(true);
  });

  it('name every error code with its status and exit code', () => {
    const text = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    for (const [code, { http, exit }] of Object.entries(ERROR_TABLE)) expect(text).toContain(`| \`${code}\` | ${http} | ${exit} |`);
  });
});

describe('links', () => {
  it.each(pages.map((page) => [page.name, page] as const))('of %s lead to pages and headings that are there', (name, page) => {
    const broken: string[] = [];
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(ROOT, name) : join(ROOT, dirname(name), path);
      if (!existsSync(file)) broken.push(target);
      else if (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)) broken.push(target);
    }
    expect(broken).toEqual([]);
  });
});

describe('commands', () => {
  const paths = describeCommands().flatMap((command) => command.paths);
  it.each(pages.map((page) => [page.name, page] as const))('that %s names exist', (_name, page) => {
    const mentioned = [...page.text.matchAll(/(?:`|\$ npx |^npx |: )gofer ([a-z][a-z -]*)/gm)].map(([, words = '']) => words.trim());
    // A page may speak of a family of commands, such as `gofer run object`.
    const exists = (words: string) => paths.some((path) => `${words} `.startsWith(`${path} `) || path.startsWith(`${words} `));
    expect(mentioned.filter((words) => !exists(words))).toEqual([]);
  });
});

describe('blocks of data', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docs-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(blocks('json').map((block) => [block.at, block.text] as const))('%s is JSON', (_at, text) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });

  it.each(blocks('toml').map((block) => [block.at, block.text] as const))('%s is a configuration', async (at, text) => {
    const configPath = join(directory, `${at.replace(/\W/g, '-')}.toml`);
    await writeFile(configPath, text);
    const pluginSchemas = {
      scheduler: { docker: docker.configSchema, process: processes.configSchema, fake: fake.configSchema },
      object_store: { sqlite: sqliteConfigSchema, filesystem: filesystemConfigSchema },
      secret_store: { sqlite: sqliteSecretStoreConfigSchema },
      auth: { token: tokenAuthConfigSchema },
    };
    const { developmentMode } = await loadServerConfig({ environment: {}, homeDirectory: directory, configPath, pluginSchemas });
    expect(developmentMode).toBe(false);
  });

  it('of other languages are known to a test', () => {
    const known = new Set(['', 'sh', 'console', 'json', 'toml', 'ts', 'js', 'ini', 'markdown']);
    const unknown = pages.flatMap((page) => page.blocks).filter((block) => !known.has(block.language));
    expect(unknown.map(({ at, language }) => `${at} ${language}`)).toEqual([]);
  });
});
