/** An extension's ways to the server, counted, and cut when it dies: one that was killed asks for nothing more, and hears no answer. */
import { type Exchange, exchange } from '../exchange.ts';
import type { Activity } from './activity.ts';

const NEVER = new Promise<never>(() => {});

export function countedExchange(activity: Activity, death: AbortSignal): Exchange {
  return async (request) => {
    if (death.aborted) return await NEVER;
    const signal = request.signal === undefined ? death : AbortSignal.any([request.signal, death]);
    try {
      return await activity.track(exchange({ ...request, signal }));
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
