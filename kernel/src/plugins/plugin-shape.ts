/** Whether a module is a plugin, and whether what it created is what its contract asks for. */

import type { ContractId, Contracts, PluginDefinition, PluginInstance } from '@gofer/contracts';
import { CONTRACT_API_VERSION } from '@gofer/contracts';

const NAME = /^[a-z0-9-]{1,32}$/;

const METHODS = {
  scheduler: ['start', 'wait', 'stop', 'remove', 'inspect', 'logs', 'exec', 'list', 'hostAccess'],
  object_store: ['put', 'get', 'stat', 'delete', 'list'],
  secret_store: ['put', 'get', 'delete', 'list', 'rotate'],
  auth: ['authenticate', 'beginLogin', 'completeLogin'],
} as const satisfies { readonly [Id in ContractId]: readonly (keyof Contracts[Id])[] };

export type Checked<Value> = { readonly value: Value } | { readonly faults: readonly string[] };

/** Checks the shape first, then the contract, then the version: each only where the one before holds. */
export function checkPluginModule<Id extends ContractId>(module: unknown, contract: Id): Checked<PluginDefinition<Id>> {
  const plugin: unknown = isObject(module) ? Reflect.get(module, 'plugin') : undefined;
  if (!isObject(plugin)) return { faults: ['must export its definition as "plugin"'] };
  const field = (name: keyof PluginDefinition): unknown => Reflect.get(plugin, name);
  const faults: string[] = [];
  if (typeof field('contract') !== 'string') faults.push(`its definition must say which contract it implements: contract = "${contract}"`);
  if (typeof field('apiVersion') !== 'number')
    faults.push(`its definition must say what it was written for: apiVersion = ${CONTRACT_API_VERSION}`);
  const name = field('name');
  if (typeof name !== 'string' || !NAME.test(name)) faults.push('its definition must have a name of 1 to 32 of a-z, 0-9 and "-"');
  if (!isObject(field('configSchema'))) faults.push('its definition must have a configSchema, a JSON Schema');
  if (typeof field('create') !== 'function') faults.push('its definition must have a function "create"');
  if (faults.length > 0) return { faults };
  if (field('contract') !== contract) return { faults: [`implements the contract "${String(field('contract'))}", not "${contract}"`] };
  if (field('apiVersion') !== CONTRACT_API_VERSION) {
    const written = Number(field('apiVersion'));
    const cure =
      written < CONTRACT_API_VERSION ? 'install a newer version of the plugin' : 'update Gofer or install an older version of the plugin';
    return { faults: [`was written for version ${written} of the contracts and this is version ${CONTRACT_API_VERSION}; ${cure}`] };
  }
  return { value: plugin as PluginDefinition<Id> };
}

export function checkInstance<Id extends ContractId>(instance: unknown, contract: Id): Checked<Contracts[Id] & PluginInstance> {
  const missing = [...METHODS[contract], 'health', 'close'].filter(
    (method) => !isObject(instance) || typeof Reflect.get(instance, method) !== 'function',
  );
  if (missing.length > 0)
    return { faults: [`created something without the method${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`] };
  return { value: instance as Contracts[Id] & PluginInstance };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
