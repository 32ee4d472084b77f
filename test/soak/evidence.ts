/**
 * What tasks say that they did, kept where no server can lose it: in a file that processes append to, or with a recorder of the test's own
 * that containers reach over the network. A task goes on only when its words are kept, so their order is the order of what happened.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { DockerApi } from '../backends/docker-api.ts';
import type { Reporting } from './random-dag.ts';

export interface Report {
  readonly kind: 'start' | 'end';
  readonly pipeline: string;
  readonly run: number;
  readonly task: string;
  readonly attempt: number;
  /** Of an end. */
  readonly exitCode: number;
  /** Its place among all reports. */
  readonly place: number;
}

export interface Evidence {
  readonly reporting: Reporting;
  /** In the order in which they came. Throws on a line that no task can have written. */
  reports(): readonly Report[];
  close(): Promise<void>;
}

/** `file`: an absolute path; made here. */
export function fileEvidence(file: string): Evidence {
  appendFileSync(file, '');
  return {
    reporting: { shell: 'report() { echo "$*" >> "$SOAK_RECORD" || exit 125; }', variables: { SOAK_RECORD: file } },
    reports: () => parse(readFileSync(file, 'utf8')),
    close: async () => undefined,
  };
}

/** `address`: this machine's own on the network of the containers. */
export async function networkEvidence(address: string): Promise<Evidence> {
  let text = '';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let words = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (words += chunk));
    // Half a report is none, and the task says so by its exit code.
    socket.on('error', () => (words = ''));
    socket.on('end', () => {
      text += words;
      // The task waits for this.
      socket.end('kept\n');
    });
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, address, listening.resolve);
  await listening.promise;
  const bound = server.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  // An engine that goes away may take the network of its task along: what hangs then is the task, and it is to say so.
  const shell = 'report() { [ "$(echo "$*" | timeout 60 nc "$SOAK_HOST" "$SOAK_PORT")" = kept ] || exit 125; }';
  return {
    reporting: { shell, variables: { SOAK_HOST: address, SOAK_PORT: String(port) } },
    reports: () => parse(text),
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

/** This machine's address on the network of an engine's containers. */
export async function gatewayOf(docker: DockerApi): Promise<string> {
  const network = (await docker.call('GET', '/networks/bridge')) as { IPAM: { Config: readonly { Gateway?: string }[] } };
  const address = network.IPAM.Config[0]?.Gateway;
  if (address === undefined) throw new Error('the network "bridge" has no gateway');
  return address;
}

function parse(text: string): readonly Report[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, place) => {
    const [, kind, pipeline, run, task, attempt, exitCode = '0'] = /^(start|end) (\S+) (\d+) (\S+) (\d+)(?: (\d+))?$/.exec(line) ?? [];
    if ((kind !== 'start' && kind !== 'end') || pipeline === undefined || task === undefined) throw new Error(`no report: ${line}`);
    return { kind, pipeline, run: Number(run), task, attempt: Number(attempt), exitCode: Number(exitCode), place };
  });
}
