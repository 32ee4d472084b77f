/** Watches containers until they have ended, through every absence of the engine. However many ask, each container is watched once. */
import { GoferError } from "@gofer/contracts";
import type { Container } from "./container-state.ts";
import { stateOf } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { throwIfAborted } from "./engine.ts";
import { ConnectionLost, isStatus } from "./engine-error.ts";

export interface Ending {
	/** Absent: the engine does not know the container. */
	readonly container?: Container;
	/** The engine was away while it was watched. */
	readonly interrupted: boolean;
}

interface Watch {
	readonly ending: Promise<Ending>;
	readonly stop: AbortController;
	waiting: number;
}

export class ExitWatch {
	#engine: Engine;
	#watches = new Map<string, Watch>();

	constructor(engine: Engine) {
		this.#engine = engine;
	}

	/** Resolves when the container does not run (any more). Rejects with `CANCELLED` when aborted. */
	async ending(id: string, signal: AbortSignal): Promise<Ending> {
		throwIfAborted(signal);
		const watch = this.#watches.get(id) ?? this.#begin(id);
		watch.waiting += 1;
		const { promise: aborted, reject } = Promise.withResolvers<never>();
		const abort = (): void =>
			reject(new GoferError("CANCELLED", "the caller gave up"));
		signal.addEventListener("abort", abort, { once: true });
		try {
			return await Promise.race([watch.ending, aborted]);
		} finally {
			signal.removeEventListener("abort", abort);
			watch.waiting -= 1;
			if (watch.waiting === 0) {
				this.#forget(id, watch);
				watch.stop.abort();
			}
		}
	}

	#begin(id: string): Watch {
		const stop = new AbortController();
		const watch: Watch = {
			ending: this.#observe(id, stop.signal),
			stop,
			waiting: 0,
		};
		this.#watches.set(id, watch);
		// Who waits hears of it through `ending`; when nobody does, nobody needs to.
		watch.ending.then(
			() => this.#forget(id, watch),
			() => this.#forget(id, watch),
		);
		return watch;
	}

	#forget(id: string, watch: Watch): void {
		if (this.#watches.get(id) === watch) this.#watches.delete(id);
	}

	async #observe(id: string, stop: AbortSignal): Promise<Ending> {
		let interrupted = false;
		for (;;) {
			try {
				// `not-running` answers at once for what has ended; `next-exit` would wait for ever.
				await this.#engine.answer({
					method: "POST",
					path: `/containers/${id}/wait`,
					query: { condition: "not-running" },
					signal: stop,
				});
				const container = await this.#engine.json<Container>({
					method: "GET",
					path: `/containers/${id}/json`,
					signal: stop,
				});
				if (stateOf(container.State.Status) === "gone") return { interrupted };
				if (stateOf(container.State.Status) !== "running")
					return { container, interrupted };
				// Somebody started it again behind our back: it goes on.
			} catch (error) {
				if (isStatus(error, 404)) return { interrupted };
				if (!(error instanceof ConnectionLost)) throw error;
				interrupted = true;
				await this.#engine.whenReachable(stop);
			}
		}
	}
}
