import type { Extension } from '@gofer/contracts/api';
import { expect, it } from 'vitest';
import { renderDoneWithExtension } from './extension-views.ts';
import { createColours } from './presentation.ts';

const PLAIN = { colours: createColours({ flag: false, environment: {}, isTerminal: false }), detail: false, now: 5_000 };
const REASON = 'the image could not be pulled';
const FAILED: Extension = {
  registration: {
    extension_id: 'mailer',
    image: 'ghcr.io/example/mailer:1',
    registry_auth: null,
    settings: [],
    created: 1_000,
    modified: 1_000,
    status: 'enabled',
    additional_roles: [],
  },
  url: '',
  started: 0,
  state: 'exited',
  state_reason: REASON,
  last_error: { message: REASON, at: 4_000 },
  documentation: { config_params: [], pipeline_subscription_params: [], body: '' },
};

it('an extension that does not run says why once: what the server notes of it in the log is left out', () => {
  const said = [`started again: ${REASON}`, `it could not be started: ${REASON}`, 'the port is taken'];
  expect(renderDoneWithExtension('Installed extension mailer', FAILED, said, PLAIN)).toBe(
    `✓ Installed extension mailer
! It does not run yet: ${REASON}
  │ the port is taken
  See how it stands: gofer extension get mailer
  Read its log: gofer extension logs mailer
`,
  );
});
