import { GoferError } from '@gofer/contracts';
import { GoferClient } from './api/gofer-client.ts';
import { readCaCertificates } from './api/read-ca-certificates.ts';
import type { CliSettings } from './cli-settings.ts';
import type { GoferContext } from './gofer-context.ts';
import { warnOfReadableToken } from './identity/token-file.ts';
import { isToken, TOKEN_RULE } from './identity/token-form.ts';

/** One command may make several clients. */
const warned = new WeakSet<GoferContext>();

/** The client of the server that the settings name. Rejects with `CONFIG_INVALID` where the token cannot be one. */
export async function createClient(context: GoferContext, own?: CliSettings): Promise<GoferClient> {
  const settings = own ?? (await context.settings());
  const { apiBaseUrl, token, tokenSource, debug, insecureSkipTlsVerify } = settings;
  const isSecure = apiBaseUrl.protocol === 'https:';
  // What no header can carry would be a fault of ours otherwise.
  if (token !== '' && !isToken(token))
    throw new GoferError('CONFIG_INVALID', `the token (${tokenSource ?? 'given'}) cannot be one: ${TOKEN_RULE}`);
  if (token !== '') warnOfReadableToken(context, settings);
  const trace = (line: string) => void context.stderr.write(`${context.errorColours.dim(line)}\n`);
  if (isSecure && insecureSkipTlsVerify && !warned.has(context)) {
    warned.add(context);
    const warning =
      'the certificate of the server is not checked: whoever is between here and there can read and change everything, the token too';
    context.stderr.write(`${context.errorColours.yellow(`! ${warning}`)}\n`);
  }
  const ca = isSecure && !insecureSkipTlsVerify ? await readCaCertificates(settings) : undefined;
  return new GoferClient({ baseUrl: apiBaseUrl, token, insecureSkipTlsVerify, ca, ...(debug ? { trace } : {}) });
}
