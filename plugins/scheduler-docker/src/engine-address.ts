/** Where the Docker engine is, as dockerode wants to hear it. */

/** A part of dockerode's options. */
export interface EngineAddress {
  /** For people. */
  readonly display: string;
  /** The name or address of the engine's machine; absent when it is this one. */
  readonly machine?: string;
  readonly options: {
    readonly socketPath?: string;
    readonly host?: string | undefined;
    readonly port?: number;
    readonly protocol?: 'http' | 'https';
  };
}

const DEFAULT_PORT = 2375;
const TLS_PORT = 2376;

/**
 * Reads `scheduler.docker.host`. Empty leaves the choice to dockerode, which reads `DOCKER_HOST` and knows the default sockets; TLS
 * comes from `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, as everywhere with Docker.
 */
export function engineAddress(host: string, env: Readonly<Record<string, string | undefined>>): EngineAddress {
  if (host === '') return { ...environmentAddress(env['DOCKER_HOST']), options: {} };
  // `host: undefined` also silences a DOCKER_HOST that names another machine.
  if (host.startsWith('unix://'))
    return {
      display: host,
      options: {
        socketPath: host.slice('unix://'.length),
        host: undefined,
        protocol: 'http',
      },
    };
  const url = new URL(host);
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const tls = port === TLS_PORT || env['DOCKER_TLS_VERIFY'] === '1';
  return {
    display: host,
    ...machineOf(url),
    options: { host: url.hostname, port, protocol: tls ? 'https' : 'http' },
  };
}

function environmentAddress(dockerHost: string | undefined): {
  display: string;
  machine?: string;
} {
  if (dockerHost === undefined || dockerHost === '') return { display: 'its default socket' };
  if (dockerHost.startsWith('unix:') || dockerHost.startsWith('npipe:')) return { display: dockerHost };
  const url = URL.canParse(dockerHost) && dockerHost.includes('//') ? new URL(dockerHost) : new URL(`tcp://${dockerHost}`);
  return { display: `${url.protocol}//${url.host}`, ...machineOf(url) };
}

function machineOf(url: URL): { machine?: string } {
  return ['localhost', '127.0.0.1', '[::1]', ''].includes(url.hostname) ? {} : { machine: url.hostname };
}
