/** What no single key can say: the rules between keys. Pure. */
import type { Fault } from '@gofer/contracts';
import { isNetwork } from './network.ts';
import type { ServerConfig } from './server-schema.ts';
import { SAMPLE_ENCRYPTION_KEY } from './store-and-scheduler-schema.ts';

export interface RuleContext {
  /** No configuration file, and auth is bypassed. */
  readonly developmentMode: boolean;
  /** Where a key was set (`file:line`, a variable, a flag), else the key itself. */
  readonly locate: (key: string) => string;
}

export interface RuleResult {
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/** Every rule that the configuration breaks, and what its owner should know. No message holds a secret. */
export function checkServerRules(config: ServerConfig, context: RuleContext): RuleResult {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const fault = (key: string, message: string): void => {
    faults.push({ path: context.locate(key), message });
  };
  checkBypassedAuth(config, fault, warnings);
  checkEncryption(config, context, fault, warnings);
  checkTls(config, fault, warnings);
  checkClearText(config, warnings);
  checkFront(config, fault, warnings);
  checkScheduler(config, context, fault, warnings);
  return { faults, warnings };
}

type AddFault = (key: string, message: string) => void;

/** True for an address that only this machine can reach. */
export function isLoopbackAddress(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':')).toLowerCase();
  if (host === 'localhost' || host === '[::1]') return true;
  const parts = host.split('.');
  return parts.length === 4 && parts[0] === '127' && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function checkBypassedAuth(config: ServerConfig, fault: AddFault, warnings: string[]): void {
  if (!config.development.bypass_auth) return;
  const remedy = 'bind a loopback address such as localhost, or set development.bypass_auth = false';
  if (!isLoopbackAddress(config.server.bind_address)) {
    fault(
      'server.bind_address',
      `server.bind_address ${config.server.bind_address} is reachable by others while auth is bypassed; ${remedy}`,
    );
  }
  if (config.external_events.enable && !isLoopbackAddress(config.external_events.bind_address)) {
    const address = config.external_events.bind_address;
    fault(
      'external_events.bind_address',
      `external_events.bind_address ${address} is reachable by others while auth is bypassed; ${remedy}`,
    );
  }
  warnings.push('auth is bypassed: whoever reaches this machine may do everything');
}

function checkEncryption(config: ServerConfig, context: RuleContext, fault: AddFault, warnings: string[]): void {
  const isSample = config.secret_store.sqlite.encryption_key === SAMPLE_ENCRYPTION_KEY;
  if (context.developmentMode || (!isSample && !config.development.default_encryption)) return;
  if (config.development.bypass_auth) {
    warnings.push('secrets are encrypted with the well-known default key: keep none here that matter');
    return;
  }
  if (config.development.default_encryption)
    fault('development.default_encryption', 'development.default_encryption is for development only; remove it');
  if (isSample) {
    const message =
      'secret_store.sqlite.encryption_key is the sample key that everybody knows; make one of your own with `openssl rand -hex 16`';
    fault('secret_store.sqlite.encryption_key', message);
  }
}

function checkTls(config: ServerConfig, fault: AddFault, warnings: string[]): void {
  for (const section of ['server', 'external_events', 'extensions'] as const) {
    const { use_tls: useTls, tls_cert_path: certificate, tls_key_path: key } = config[section];
    if (certificate !== undefined && key === undefined)
      fault(`${section}.tls_cert_path`, `${section}.tls_cert_path needs ${section}.tls_key_path beside it`);
    if (key !== undefined && certificate === undefined)
      fault(`${section}.tls_key_path`, `${section}.tls_key_path needs ${section}.tls_cert_path beside it`);
    if (useTls && certificate === undefined && key === undefined && !config.development.use_included_certs) {
      const remedy = `set ${section}.tls_cert_path and ${section}.tls_key_path, or development.use_included_certs = true`;
      fault(`${section}.use_tls`, `${section}.use_tls needs a certificate: ${remedy}`);
    }
  }
  if (!config.development.use_included_certs) return;
  const { enable, use_tls: eventsUseTls, tls_cert_path: eventsCertificate } = config.external_events;
  // It is of use to the one listener, whatever the other one has.
  if (enable && eventsUseTls && eventsCertificate === undefined) return;
  if (!config.server.use_tls) warnings.push('development.use_included_certs has no effect on the service while server.use_tls is false');
  else if (config.server.tls_cert_path !== undefined)
    warnings.push('development.use_included_certs has no effect on the service, which has server.tls_cert_path');
}

/** Behind a proxy of another machine the address is not loopback, and TLS is the proxy's. */
function checkClearText({ server, external_events: events, development }: ServerConfig, warnings: string[]): void {
  if (development.bypass_auth || server.trusted_proxies.length > 0) return;
  const warn = (section: string, address: string, risk: string): void => {
    warnings.push(
      `${section}.bind_address ${address} is reachable by others, without TLS: ${risk}. ` +
        `Set ${section}.use_tls, or bind a loopback address behind a proxy with TLS; server.trusted_proxies names a proxy on another machine`,
    );
  };
  if (!server.use_tls && !isLoopbackAddress(server.bind_address))
    warn('server', server.bind_address, 'whoever is on the way can read their tokens');
  if (events.enable && !events.use_tls && !isLoopbackAddress(events.bind_address))
    warn('external_events', events.bind_address, 'whoever is on the way can read the events, change them, and send them again');
}

function checkFront(config: ServerConfig, fault: AddFault, warnings: string[]): void {
  for (const entry of config.server.trusted_proxies) {
    if (isNetwork(entry)) continue;
    const message = `server.trusted_proxies holds "${entry}", which is neither an address such as 10.0.0.1 nor a network such as 10.0.0.0/8`;
    fault('server.trusted_proxies', message);
  }
  if (config.limits.max_url_length >= config.limits.max_header_size)
    warnings.push('limits.max_url_length has no effect: it is not less than limits.max_header_size, which counts the target too');
  checkEventRates(config, warnings);
}

/** 0, which is unlimited, has been written by somebody who wants it; 1 cannot be shared. */
function checkEventRates({ external_events: events }: ServerConfig, warnings: string[]): void {
  const { enable, requests_per_minute: ofAll, sender_requests_per_minute: ofSender } = events;
  if (!enable || ofAll <= 1 || ofSender === 0 || ofSender < ofAll) return;
  warnings.push(
    `external_events.sender_requests_per_minute ${ofSender} is not less than external_events.requests_per_minute ${ofAll}: ` +
      "one sender can use up an extension's share, so that events of others are refused",
  );
}

function checkScheduler(config: ServerConfig, context: RuleContext, fault: AddFault, warnings: string[]): void {
  const { engine } = config.scheduler;
  if (engine === 'process' && !context.developmentMode && !config.scheduler.process.enable) {
    const message =
      'scheduler.engine = "process" runs tasks as this user, not isolated; if that is what you want set scheduler.process.enable = true';
    fault('scheduler.engine', message);
  }
  if (engine === 'fake' && !context.developmentMode) warnings.push('scheduler.engine = "fake": no task really runs');
  if (config.scheduler.docker.timeout < config.api.task_execution_stop_timeout) {
    warnings.push('scheduler.docker.timeout is less than api.task_execution_stop_timeout: stopping a slow task may be reported as failed');
  }
}
