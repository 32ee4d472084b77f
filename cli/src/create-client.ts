import { GoferClient } from './api/gofer-client.ts';
import type { GoferContext } from './gofer-context.ts';

/** The client of the server that the settings name. */
export async function createClient(context: GoferContext): Promise<GoferClient> {
  const { apiBaseUrl, token, debug, insecureSkipTlsVerify } = await context.settings();
  const trace = (line: string) => void context.stderr.write(`${context.errorColours.dim(line)}\n`);
  return new GoferClient({ baseUrl: apiBaseUrl, token, insecureSkipTlsVerify, ...(debug ? { trace } : {}) });
}
