/** The API's documents: `/api/openapi.json`, and a page to browse it that asks nobody else for anything. */
import { createHash } from 'node:crypto';
import { GoferError } from '@gofer/contracts';
import type { Context } from 'koa';
import helmet from 'koa-helmet';
import { Router } from 'koa-router';
import { compressAnswers } from '../compress-answers.ts';
import type { HttpState } from '../http-app.ts';
import { toOpenApi } from './open-api.ts';
import { swaggerAsset } from './swagger-assets.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gofer API reference</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript; <a href="/api/openapi.json">the document it shows</a> does not.</noscript>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#reference', deepLinking: true, docExpansion: 'list', validatorUrl: null });
`;
const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

export function createDocsRouter(version: string): Router<HttpState> {
  const router = new Router<HttpState>({ sensitive: true });
  const headers = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // The explorer sets styles on its elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Promises of TLS are the business of who terminates it.
    hsts: false,
  });
  let openApi: string | undefined;

  router.use(headers, compressAnswers());
  router.get('/', (context) => context.redirect('/docs/api_reference.html'));
  router.get('/docs', (context) => context.redirect('/docs/api_reference.html'));
  router.get('/docs/api_reference.html', (context) => answer(context, HTML, PAGE));
  router.get('/docs/assets/start.js', (context) => answer(context, SCRIPT, START));
  router.get('/docs/assets/:name', async (context) => {
    const asset = await swaggerAsset(context.params['name'] ?? '');
    if (asset === undefined) throw new GoferError('NOT_FOUND', `There is nothing at ${context.path.slice(0, 300)}.`);
    answer(context, asset.type, asset.content);
  });
  router.get('/api/openapi.json', (context) => {
    openApi ??= JSON.stringify(toOpenApi(version));
    answer(context, 'application/json', openApi);
  });
  return router;
}

function answer(context: Context, type: string, content: string | Buffer): void {
  context.set('content-type', type);
  context.set('cache-control', 'no-cache');
  context.set('etag', `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`);
  context.status = 200;
  if (context.fresh) {
    context.status = 304;
    return;
  }
  context.body = content;
}
