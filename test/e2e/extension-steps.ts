/** What tests of extensions ask of a server, beside what its pipelines are asked. */
import { createHmac } from 'node:crypto';
import type { Delivery, Extension, Run, Subscription } from '@gofer/contracts/api';
import { type GoferServer, pipelinePath } from './gofer-server.ts';
import { until } from './leftovers.ts';

type Settings = Readonly<Record<string, string>>;

/** For a server whose external events are sent to it: on a free port, which its log says. */
export const TAKES_EVENTS = ['external_events.bind_address=127.0.0.1:0', 'development.pretty_logging=false'] as const;

/** Where the server that runs now takes events. */
export function eventsAddress(server: GoferServer): string {
  const found = server.log.flatMap((line) => /"externalEvents":"([^"]+)"/.exec(line)?.[1] ?? []).at(-1);
  if (found === undefined) throw new Error(`the server says of no address:\n${server.log.join('\n')}`);
  return found;
}

/** Resolves with how far it is after `waitSeconds` at most. */
export async function install(
  server: GoferServer,
  id: string,
  image: string,
  settings: Settings = {},
  waitSeconds = 60,
): Promise<Extension> {
  const body = { id, image, settings };
  return (await server.ask<{ extension: Extension }>('POST', `/api/extensions?wait=${waitSeconds}`, body)).extension;
}

export async function extensionOf(server: GoferServer, id: string): Promise<Extension> {
  return (await server.ask<{ extension: Extension }>('GET', `/api/extensions/${id}`)).extension;
}

export async function untilRunning(server: GoferServer, id: string): Promise<void> {
  let last: Extension | undefined;
  try {
    await until(`the extension ${id} to run`, async () => {
      last = await extensionOf(server, id);
      return last.state === 'running' && last.health === 'healthy';
    });
  } catch (error) {
    throw new Error(`it is ${JSON.stringify(last)}`, { cause: error });
  }
}

/** To the extension's id, as `name`. */
export async function subscribe(server: GoferServer, pipeline: string, extension: string, name: string, settings: Settings): Promise<void> {
  const body = { extension_id: extension, subscription_id: name, settings };
  await server.ask('POST', `${pipelinePath(pipeline)}/subscriptions`, body);
}

export async function subscriptionsOf(server: GoferServer, pipeline: string): Promise<readonly Subscription[]> {
  return (await server.ask<{ subscriptions: Subscription[] }>('GET', `${pipelinePath(pipeline)}/subscriptions`)).subscriptions;
}

/** All that are kept, oldest first. */
export async function runsOf(server: GoferServer, pipeline: string): Promise<readonly Run[]> {
  const all: Run[] = [];
  for (;;) {
    const path = `${pipelinePath(pipeline)}/runs?limit=200&offset=${all.length}`;
    const { runs } = await server.ask<{ runs: Run[] }>('GET', path);
    all.push(...runs);
    if (runs.length < 200) return all.toSorted((a, b) => a.run_id - b.run_id);
  }
}

export function variableOf({ variables }: Run, name: string): string | undefined {
  return variables.find(({ key }) => key === name)?.value;
}

/** Signed as GitHub does. Resolves with the id of the delivery. */
export async function sendGithubEvent(server: GoferServer, secret: string, event: string, payload: unknown): Promise<string> {
  const body = JSON.stringify(payload);
  const answer = await fetch(`${eventsAddress(server)}/events/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': crypto.randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  });
  if (answer.status !== 204) throw new Error(`the event was answered with ${answer.status}: ${await answer.text()}`);
  return answer.headers.get('gofer-delivery-id') ?? '';
}

export async function deliveryOf(server: GoferServer, extension: string, id: string): Promise<Delivery> {
  return (await server.ask<{ delivery: Delivery }>('GET', `/api/extensions/${extension}/deliveries/${id}`)).delivery;
}
