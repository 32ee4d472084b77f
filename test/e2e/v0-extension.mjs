/**
 * An extension as those of Gofer v0, which were written in Go, are on the wire. It knows nothing of what came later, and does what they do:
 * asks for its subscriptions before it listens and ends where that fails, says JSON to be text, answers an unsubscription with 201 and one of
 * something unknown not at all, takes a body as an array of numbers, listens at its own port whatever it is told, and does not end when it
 * is told to.
 */
import { createServer } from 'node:http';

const own = (name) => process.env[`GOFER_EXTENSION_SYSTEM_${name}`] ?? '';
const [id, secret] = [own('ID'), own('SECRET')];
const base = `${own('USE_TLS') === 'true' ? 'https' : 'http'}://${own('GOFER_HOST')}`;
const headers = { authorization: `Bearer ${secret}`, 'gofer-api-version': 'v0', 'accept-encoding': 'gzip' };
const shortest = durationOf(process.env['MIN_INTERVAL'] ?? '1m');
/** By its name: the timer of each subscription. */
const timers = new Map();
const events = [];

const DOCUMENTATION = {
  documentation: {
    body: 'As in v0.',
    config_params: [{ key: 'min_interval', required: false, documentation: 'The shortest interval.' }],
    pipeline_subscription_params: [{ key: 'every', required: true, documentation: 'The interval.' }],
  },
  extension_id: id,
};

function durationOf(text) {
  const [, count, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`time: invalid duration "${text}"`);
  return Number(count) * { s: 1, m: 60, h: 3600 }[unit] * 1000;
}

const nameOf = (namespace, pipeline, subscription) => `${namespace}${pipeline}${subscription}`;

function subscribe(namespace, pipeline, subscription, params) {
  const name = nameOf(namespace, pipeline, subscription);
  if (timers.has(name)) return;
  if (params.every === undefined) throw new Error(`could not find required parameter 'every'`);
  const every = durationOf(params.every);
  if (every < shortest) throw new Error(`durations cannot be less than ${shortest / 1000}s`);
  timers.set(
    name,
    setInterval(() => void startRun(namespace, pipeline), every),
  );
}

async function startRun(namespace, pipeline) {
  try {
    const answer = await fetch(`${base}/api/namespaces/${namespace}/pipelines/${pipeline}/runs`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ variables: {} }),
    });
    if (answer.status >= 300) console.log(`could not start run: ${answer.status} ${await answer.text()}`);
    else await answer.arrayBuffer();
  } catch (error) {
    console.log(`could not start run: ${String(error)}`);
  }
}

function answer(response, status, body) {
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8' });
  response.end(body);
}

function take(request, response, text) {
  const call = `${request.method} ${request.url}`;
  if (call === 'GET /api/health') return answer(response, 204);
  const { authorization } = request.headers;
  if (authorization === undefined) return answer(response, 400, 'Authorization header not found but required\n');
  if (authorization !== `Bearer ${secret}`) return answer(response, 401, 'Unauthorized\n');
  const given = text === '' ? {} : JSON.parse(text);
  const { namespace_id: namespace, pipeline_id: pipeline, pipeline_subscription_id: subscription } = given;
  switch (call) {
    case 'GET /api/info':
      return answer(response, 200, JSON.stringify(DOCUMENTATION));
    case 'GET /api/debug':
      return answer(response, 200, JSON.stringify({ info: JSON.stringify({ subscriptions: timers.size, events }) }));
    case 'POST /api/subscribe':
      try {
        subscribe(namespace, pipeline, subscription, given.pipeline_subscription_params);
        return answer(response, 204);
      } catch (error) {
        return answer(response, 400, JSON.stringify({ message: error.message, request_id: '' }));
      }
    case 'DELETE /api/subscribe': {
      const timer = timers.get(nameOf(namespace, pipeline, subscription));
      if (timer === undefined) return request.socket.destroy();
      clearInterval(timer);
      timers.delete(nameOf(namespace, pipeline, subscription));
      return answer(response, 201);
    }
    case 'POST /api/external-event':
      if (!Array.isArray(given.body)) return answer(response, 400, JSON.stringify({ message: 'cannot unmarshal body', request_id: '' }));
      events.push({ headers: Object.keys(given.headers), body: Buffer.from(given.body).toString() });
      return answer(response, 204);
    case 'POST /api/shutdown':
      console.log('told to shut down');
      return answer(response, 204);
    default:
      return answer(response, 404, '404 page not found\n');
  }
}

process.once('SIGTERM', () => process.exit(0));
const found = await fetch(`${base}/api/extensions/${id}/subscriptions`, { headers });
if (found.status >= 300) throw new Error(`could not get subscriptions: ${found.status} ${await found.text()}`);
for (const { namespace_id, pipeline_id, subscription_id, settings } of (await found.json()).subscriptions) {
  subscribe(namespace_id, pipeline_id, subscription_id, settings);
}
const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => take(request, response, Buffer.concat(chunks).toString()));
});
server.requestTimeout = 15_000;
server.keepAliveTimeout = 15_000;
server.listen(8082, '0.0.0.0', () => console.log('started'));
