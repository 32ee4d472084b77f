/** One extension that runs, as the manager speaks to it. */
import type { ExtensionDocumentation } from '@gofer/contracts/api';
import type { DeliveryAnswer, ExtensionCalls } from './extension-calls.ts';

type Of<Method extends 'subscribe' | 'unsubscribe' | 'deliver' | 'debug'> =
  Parameters<ExtensionCalls[Method]> extends [string, ...infer Rest] ? (...rest: Rest) => ReturnType<ExtensionCalls[Method]> : never;

/** Every method has a time limit of its own; those that `ExtensionCalls` has too reject as it says there. */
export interface ExtensionProtocol {
  /** Resolves where it is healthy; rejects, saying why, where it is not or does not answer. */
  health(): Promise<void>;
  /** Rejects where it does not answer, or with nonsense. */
  info(): Promise<ExtensionDocumentation>;
  /** Says that it is to end soon. Rejects where it cannot be told. */
  shutdown(): Promise<void>;
  readonly subscribe: Of<'subscribe'>;
  readonly unsubscribe: Of<'unsubscribe'>;
  readonly debug: Of<'debug'>;
  deliver(event: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }): Promise<DeliveryAnswer>;
}
