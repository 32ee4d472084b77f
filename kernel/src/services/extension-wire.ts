/** An extension as it is answered: never with anything that is secret. */
import type { Extension, ExtensionDocumentation } from '@gofer/contracts/api';
import type { ExtensionView } from '../extensions/extension-view.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';

const REDACTED = '[redacted]';
const UNDOCUMENTED: ExtensionDocumentation = { config_params: [], pipeline_subscription_params: [], body: '' };

export function toExtension(record: ExtensionRecord, view: ExtensionView): Extension {
  const { id, image, registry, settings, additionalRoles, enabled, documentation, created, modified, restarts, lastError } = record;
  const { state, health, url, started, reason, nextStart, engine } = view;
  const why = enabled || state !== 'exited' ? reason : 'it is disabled';
  return {
    registration: {
      extension_id: id,
      image,
      registry_auth: registry === undefined ? null : { user: registry.user, pass: registry.passReference ?? REDACTED },
      settings: settings.map(({ key, reference }) => ({ key, value: reference ?? REDACTED, source: 'system' })),
      created,
      modified,
      status: enabled ? 'enabled' : 'disabled',
      additional_roles: [...additionalRoles],
    },
    url,
    started,
    state,
    documentation: documentation ?? UNDOCUMENTED,
    health,
    restarts,
    ...(why === undefined ? {} : { state_reason: why }),
    ...(nextStart === undefined ? {} : { next_start: nextStart }),
    ...(lastError === undefined ? {} : { last_error: { ...lastError } }),
    ...(engine === undefined ? {} : { engine }),
  };
}
