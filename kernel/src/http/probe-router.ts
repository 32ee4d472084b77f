/**
 * What orchestrators and load balancers ask, without credentials and without the version header: whether the process is alive, which
 * touches nothing else, and whether it can take work. Both are outside `/api`; `HEAD` is answered as `GET`.
 */
import { Router } from 'koa-router';
import type { ReadinessReport } from '../services/services.ts';
import type { HttpState } from './http-app.ts';

export function createProbeRouter(readiness: () => Promise<ReadinessReport>): Router<HttpState> {
  const router = new Router<HttpState>({ sensitive: true });
  router.get('/healthz', (context) => {
    context.set('cache-control', 'no-store');
    context.body = { status: 'alive' };
  });
  router.get('/readyz', async (context) => {
    const { ready, problems, watchdog } = await readiness();
    context.set('cache-control', 'no-store');
    context.status = ready ? 200 : 503;
    context.body = { status: ready ? 'ready' : 'not ready', reasons: problems, watchdog };
  });
  return router;
}
