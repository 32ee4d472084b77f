/** An extension's ways to the server, counted, and cut when it dies: one that was killed asks for nothing more, and hears no answer. */
import type { Activity } from './activity.ts';

const NEVER = new Promise<never>(() => {});

export function countedFetch(activity: Activity, death: AbortSignal): typeof fetch {
  return async (input, init = {}) => {
    if (death.aborted) return await NEVER;
    const signal = init.signal == null ? death : AbortSignal.any([init.signal, death]);
    const work = fetch(input, { ...init, signal }).then(async (response) => {
      const { status, headers } = response;
      const bytes = await response.arrayBuffer();
      return new Response(bytes.byteLength === 0 ? null : bytes, { status, headers });
    });
    try {
      return await activity.track(work);
    } catch (error) {
      if (death.aborted) return await NEVER;
      throw error;
    }
  };
}

export function countedWebSocket(activity: Activity, death: AbortSignal): typeof WebSocket {
  return class extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given);
      const end = activity.begin();
      for (const name of ['open', 'error', 'close'] as const) this.addEventListener(name, end, { once: true });
      if (death.aborted) this.close();
      death.addEventListener('abort', () => this.close(), { once: true });
    }
  };
}
