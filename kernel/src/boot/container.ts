/**
 * The one place where tsyringe is used: typed tokens, factories that are called once, an error for a token that is registered twice
 * (tsyringe lets the second one win without a word), and an end in reverse order of the beginning (tsyringe ends nothing).
 */
import 'reflect-metadata/lite';
import { type DependencyContainer, type InjectionToken, container as root } from 'tsyringe';

/** Names something that the container makes; the type is what `resolve` gives. */
export interface Token<T> {
  readonly name: string;
  readonly key: InjectionToken<T>;
}

export function token<T>(name: string): Token<T> {
  return { name, key: Symbol(name) };
}

type Close = () => void | Promise<void>;

export class Container {
  readonly #container: DependencyContainer = root.createChildContainer();
  readonly #closers: { name: string; close: Close }[] = [];

  /** `make` is called on the first `resolve`, and never again; `close` when the container closes, if it was called. */
  register<T>(key: Token<T>, make: () => T, close?: (value: T) => void | Promise<void>): void {
    if (this.#container.isRegistered(key.key)) throw new Error(`'${key.name}' is registered twice`);
    let made: { value: T } | undefined;
    this.#container.register<T>(key.key, {
      useFactory: () => {
        if (made === undefined) {
          const value = make();
          made = { value };
          if (close !== undefined) this.#closers.push({ name: key.name, close: () => close(value) });
        }
        return made.value;
      },
    });
  }

  resolve<T>(key: Token<T>): T {
    if (!this.#container.isRegistered(key.key)) throw new Error(`nothing is registered as '${key.name}'`);
    return this.#container.resolve<T>(key.key);
  }

  /** Ends what was made, the latest first, every one even if another fails; a second call does nothing. */
  async close(onError: (name: string, error: unknown) => void): Promise<void> {
    for (let closer = this.#closers.pop(); closer !== undefined; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (error) {
        onError(closer.name, error);
      }
    }
  }
}
