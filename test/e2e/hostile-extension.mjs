/** An extension that means no good, in the way that its setting BEHAVIOUR names; `good` for one that does what it should. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const behaviour = process.env['BEHAVIOUR'];
const system = (name) => process.env[`GOFER_EXTENSION_SYSTEM_${name}`] ?? '';
const headers = { authorization: `Bearer ${system('SECRET')}`, 'gofer-api-version': 'v0', 'content-type': 'application/json' };
const ENDLESS_BYTES = 10 * 1024 ** 3;
const piece = Buffer.alloc(64 * 1024, ' ');
const LANES = 16;

/** Of the answers to a flood: how many there were of each status. */
const answers = {};

async function flood(pipeline) {
  for (;;) {
    const answer = await fetch(`${system('GOFER_URL')}/api/namespaces/default/pipelines/${pipeline}/runs`, {
      method: 'POST',
      headers,
      body: '{"variables":{}}',
    });
    await answer.arrayBuffer();
    answers[answer.status] = (answers[answer.status] ?? 0) + 1;
  }
}

async function chatter() {
  const lines = `${'and another thing '.repeat(56)}\n`.repeat(64);
  for (;;) {
    if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
    await delay(20);
  }
}

async function endless(response) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': ENDLESS_BYTES });
  for (let sent = 0; sent < ENDLESS_BYTES && !response.destroyed; sent += piece.length) {
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
}

const info = JSON.stringify({
  extension_id: system('ID'),
  documentation: { body: behaviour, config_params: [], pipeline_subscription_params: [] },
});
const debug = () => JSON.stringify({ info: JSON.stringify(answers) });

function take(call, request, response) {
  if (behaviour === 'silent') return;
  if (behaviour === 'endless') return void endless(response);
  if (call === 'GET /api/health') return response.writeHead(204).end();
  if (behaviour === 'redirecting') return response.writeHead(307, { location: `${process.env['ELSEWHERE']}${request.url}` }).end();
  if (behaviour === 'nonsense') return response.end('{"documentation": [3');
  if (behaviour === 'mute') return;
  if (call === 'GET /api/info') return response.end(info);
  if (behaviour === 'deaf') return;
  if (call === 'GET /api/debug') return response.end(debug());
  response.writeHead(204).end();
}

if (behaviour === 'crashing') {
  console.log('the last words of it');
  process.exit(3);
}
createServer((request, response) => {
  request.resume();
  request.on('end', () => take(`${request.method} ${request.url}`, request, response));
}).listen(8082, '0.0.0.0');
if (behaviour === 'chatting') void chatter();
if (behaviour === 'flooding') for (let lane = 0; lane < LANES; lane += 1) void flood(process.env['PIPELINE']);
process.once('SIGTERM', () => process.exit(0));
