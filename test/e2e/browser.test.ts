/** A real browser: the API's reference renders without the world outside, and a page of another origin reaches nothing. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '@gofer/contracts/api';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeNeeding } from '../backends/describe-needing.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;

describeNeeding('chromium', 'a browser', missing, () => {
  let server: GoferServer;
  let browser: Browser;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-browser-'));
    [server, browser] = await Promise.all([
      GoferServer.start('fake'),
      chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], env: { HOME: directory, TMPDIR: directory } }),
    ]);
    await server.deploy('demo', [{ id: 'one', command: ['true'] }]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), server?.close()]);
    rmSync(directory, { recursive: true, force: true });
  });

  it('shows every operation of the API, with nothing from outside and no complaint', async () => {
    const page = await browser.newPage();
    const outside: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) outside.push(request.url());
    });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${server.url}/docs`);
    expect(page.url()).toBe(`${server.url}/docs/api_reference.html`);
    await page.locator('.opblock').first().waitFor();
    const { paths } = await server.ask<{ paths: Record<string, Record<string, unknown>> }>('GET', '/api/openapi.json');
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    const shown = await page
      .locator('.opblock-summary')
      .evaluateAll((blocks) =>
        blocks.map(
          (block) =>
            `${block.querySelector('.opblock-summary-method')?.textContent?.toLowerCase()} ${block.querySelector('.opblock-summary-path')?.getAttribute('data-path')}`,
        ),
      );
    expect(shown.toSorted()).toEqual(operations.toSorted());
    const picture = await page.screenshot({ path: join(directory, 'reference.png') });
    expect(picture.length).toBeGreaterThan(10_000);
    expect({ outside, complaints }).toEqual({ outside: [], complaints: [] });
    await page.close();
  });

  it('a page of another origin can neither start a run nor read a stream', async () => {
    const other = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>other</title>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
      const outcomes = await page.evaluate(
        async ({ url, runs }) => {
          const tried = async (headers: Record<string, string>, mode: 'cors' | 'no-cors') => {
            try {
              const answer = await fetch(`${url}${runs}`, { method: 'POST', headers, body: '{}', mode });
              return answer.type === 'opaque' ? 'opaque' : `${answer.status}`;
            } catch {
              return 'refused';
            }
          };
          const socket = (path: string) =>
            new Promise<string>((resolve) => {
              const opened = new WebSocket(`${url.replace('http', 'ws')}${path}`);
              opened.addEventListener('open', () => resolve('open'));
              opened.addEventListener('error', () => resolve('refused'));
            });
          return [
            await tried({ 'gofer-api-version': 'v0', 'content-type': 'application/json' }, 'cors'),
            await tried({ 'content-type': 'text/plain' }, 'no-cors'),
            await tried({}, 'cors'),
            await socket('/api/events?history=true&gofer-api-version=v0'),
          ];
        },
        { url: server.url, runs: `${pipelinePath('demo')}/runs` },
      );
      // Not even an answer that a page could not read is let through to it (cross-origin-resource-policy).
      expect(outcomes).toEqual(['refused', 'refused', 'refused', 'refused']);
      expect((await server.ask<{ runs: Run[] }>('GET', `${pipelinePath('demo')}/runs`)).runs).toEqual([]);
      await page.close();
    } finally {
      other.close();
    }
  });
});
