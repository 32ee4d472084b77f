/** The step `get`: a fake task that asks a real server. */

/** The body of the answer; undefined where there is none, or one that is no success. */
export async function fetchBody(url: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(url, { signal, headers: { connection: 'close' } });
    const body = new Uint8Array(await response.arrayBuffer());
    return response.ok ? body : undefined;
  } catch {
    // As with any program, that nobody answers is the task's failure and not the fake's.
    return undefined;
  }
}
