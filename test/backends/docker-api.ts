/** The few calls that tests make to a Docker engine on their own account, over its unix socket. */
import { request } from 'node:http';

export interface DockerApi {
  readonly socketPath: string;
  /** The parsed answer: JSON, or text where it is not. Rejects with the engine's message. */
  call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object | Uint8Array,
    headers?: Readonly<Record<string, string>>,
  ): Promise<unknown>;
}

export function dockerApi(socketPath: string): DockerApi {
  return {
    socketPath,
    call: (method, path, body, headers = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
      const type = body instanceof Uint8Array ? 'application/x-tar' : 'application/json';
      const asked = request(
        { socketPath, method, path, headers: { ...(bytes === undefined ? {} : { 'content-type': type }), ...headers } },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('error', reject);
          answer.on('end', () => {
            const text = Buffer.concat(parts).toString();
            if ((answer.statusCode ?? 500) < 400) resolve(parse(text));
            else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text.trim()}`));
          });
        },
      );
      asked.on('error', reject);
      asked.end(bytes);
      return promise;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
