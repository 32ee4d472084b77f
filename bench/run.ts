/**
 * `node bench/run.ts [PART…]`: measures the whole server against its goals, each number beside what the machine itself needs for the
 * same work in the same run, prints the table and writes `bench/results/`. Parts: docker, process, fake, logs,
 * searches, masking, objects, identity, events, idle.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { logSearches } from './log-searches.ts';
import { maskedLogs } from './masked-logs.ts';
import { authorizedRequests } from './server/authorized-requests.ts';
import { dockerEngine } from './server/docker-engine.ts';
import { externalEvents } from './server/external-event.ts';
import { fakeEngine } from './server/fake-engine.ts';
import { idleServer } from './server/idle-server.ts';
import { logsOfATask } from './server/logs-of-a-task.ts';
import type { Row } from './server/measurement.ts';
import { objectStores } from './server/object-stores.ts';
import { processEngine } from './server/process-engine.ts';

const PARTS: Readonly<Record<string, { title: string; measure: () => Promise<Row[]> }>> = {
  idle: { title: 'An idle server', measure: idleServer },
  fake: { title: 'The engine itself (fake scheduler)', measure: fakeEngine },
  identity: { title: 'Who is calling, and what they may do', measure: authorizedRequests },
  events: { title: 'Events from outside (webhook extension)', measure: externalEvents },
  process: { title: 'Tasks as processes', measure: processEngine },
  logs: { title: 'The log of a task (process scheduler)', measure: logsOfATask },
  searches: { title: 'Parts of a long log', measure: logSearches },
  masking: { title: 'Masking secrets in a log', measure: maskedLogs },
  objects: { title: 'Objects of 1 GiB', measure: objectStores },
  docker: { title: 'Tasks as containers', measure: dockerEngine },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => PARTS[part] === undefined);
if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);

const directory = join(import.meta.dirname, 'results');
mkdirSync(directory, { recursive: true });
for (const [part, { title, measure }] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue;
  const rows = await measure();
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, Linux ${release()}, Node ${process.version}`;
  const table = [
    `# ${title}`,
    '',
    machine,
    '',
    '| | measured | beside | goal | met |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.name} | ${row.measured} | ${row.baseline} | ${row.goal} | ${row.met ? 'yes' : '**no**'} |`),
    '',
  ].join('\n');
  console.log(`${table}\n`);
  writeFileSync(join(directory, `${part}.md`), table);
}
