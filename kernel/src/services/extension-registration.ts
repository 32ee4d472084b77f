/** What an extension is installed with: checked, and then kept so that nothing secret of it stands in the database. */
import { type Fault, GoferError } from '@gofer/contracts';
import { IDENTIFIER_RULE, isIdentifier, parseImageReference } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import { mintSecret } from '../access/mint-secret.ts';
import { BOOTSTRAP_ROLE, EXTENSION_ROLE_PREFIX, extensionRoleId, INJECTED_ROLE } from '../domain/index.ts';
import { builtInName } from '../extensions/built-in-extensions.ts';
import { referenceIn, type SealedRegistration, settingFaults, toKeptSettings, valueFaults } from '../extensions/extension-settings.ts';
import type { ExtensionRecord, ExtensionUpdate } from '../storage/extensions-table.ts';
import type { Store } from '../storage/store.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import { knownRoles } from './known-roles.ts';
import type { NewExtension } from './services.ts';

/** Everything of a registration but its id. */
export type Registration = Omit<NewExtension, 'id'>;

export interface RegistrationParts {
  readonly store: Store;
  readonly secrets: SecretValues;
  /** The names of the extensions that come with the server. */
  readonly builtIns: readonly string[];
  readonly now: () => number;
}

export class Registrations {
  readonly #parts: RegistrationParts;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** Rejects with `INVALID_ARGUMENT` and everything that is wrong. */
  check(id: string, { image, settings, registryAuth, additionalRoles }: Registration): void {
    const faults: Fault[] = [
      ...(isIdentifier(id) ? [] : [{ path: '$.id', message: `must be ${IDENTIFIER_RULE}` }]),
      ...this.#imageFaults(image),
      ...settingFaults(settings, '$.settings'),
      ...(registryAuth === undefined ? [] : valueFaults(registryAuth.pass, '$.registry_auth.pass')),
      ...this.#roleFaults(additionalRoles),
    ];
    if (faults.length === 0) return;
    const text = faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new GoferError('INVALID_ARGUMENT', `The extension cannot be used like this: ${text}.`, { details: faults });
  }

  /** What an extension has been given, with every value. */
  async unseal(record: ExtensionRecord): Promise<Registration> {
    const { image, registry, sealed, additionalRoles } = record;
    const values: SealedRegistration =
      sealed === undefined ? { settings: {} } : JSON.parse(Buffer.from(await this.#parts.secrets.read(sealed)).toString('utf8'));
    return {
      image,
      settings: values.settings,
      additionalRoles,
      ...(registry === undefined ? {} : { registryAuth: { user: registry.user, pass: values.password ?? '' } }),
    };
  }

  /**
   * Keeps its values and a new secret of its own in the secret store, then calls `commit` with the columns and with what is to be written
   * beside them in that commit, the token.
   */
  async keep<T>(
    registration: Registration,
    commit: (columns: Omit<ExtensionUpdate, 'enabled' | 'modified'>, adopt: (extensionId: string) => void) => Promise<T>,
  ): Promise<T> {
    const { store, secrets, now } = this.#parts;
    const { image, settings, registryAuth, additionalRoles } = registration;
    const { secret, hash } = mintSecret();
    const tokenId = uuidv7();
    const passReference = registryAuth === undefined ? undefined : referenceIn(registryAuth.pass);
    const registry =
      registryAuth === undefined ? undefined : { user: registryAuth.user, ...(passReference === undefined ? {} : { passReference }) };
    return secrets.write(Buffer.from(secret), (key) =>
      this.#seal(registration, (sealed) =>
        commit({ image, registry, settings: toKeptSettings(settings), sealed, key, tokenId, additionalRoles }, (extensionId) => {
          for (const pointer of [key, sealed]) if (pointer !== undefined) secrets.adopt(pointer);
          store.tokens.insert({
            id: tokenId,
            hash,
            user: `${extensionId} (extension)`,
            roles: [extensionRoleId(extensionId), ...additionalRoles],
            metadata: { extension_id: extensionId },
            created: now(),
            expires: 0,
            task: undefined,
          });
        }),
      ),
    );
  }

  /** In the commit after which the extension has others, or is gone; `SecretValues.collect` is to follow it. */
  letGo({ key, sealed, tokenId }: ExtensionRecord): void {
    const { store, secrets } = this.#parts;
    store.tokens.delete(tokenId);
    secrets.letGo(sealed === undefined ? [key] : [key, sealed]);
  }

  async #seal<T>({ settings, registryAuth }: Registration, commit: (sealed: string | undefined) => Promise<T>): Promise<T> {
    if (registryAuth === undefined && Object.keys(settings).length === 0) return commit(undefined);
    const sealed: SealedRegistration = { settings, ...(registryAuth === undefined ? {} : { password: registryAuth.pass }) };
    return this.#parts.secrets.write(Buffer.from(JSON.stringify(sealed)), commit);
  }

  #imageFaults(image: string): Fault[] {
    const path = '$.image';
    const name = builtInName(image);
    if (name === undefined) {
      const { fault } = parseImageReference(image);
      return fault === undefined ? [] : [{ path, message: fault }];
    }
    const { builtIns } = this.#parts;
    if (builtIns.includes(name)) return [];
    const known = builtIns.length === 0 ? 'none does' : builtIns.map((each) => `builtin:${each}`).join(', ');
    return [{ path, message: `names '${image.slice(0, 64)}', which does not come with this server; of extensions that do: ${known}` }];
  }

  #roleFaults(roles: readonly string[]): Fault[] {
    const known = new Set(knownRoles(this.#parts.store).map(({ id }) => id));
    return roles.flatMap((role, index) => {
      const path = `$.additional_roles[${index}]`;
      if (role === BOOTSTRAP_ROLE || role === INJECTED_ROLE || role.startsWith(EXTENSION_ROLE_PREFIX))
        return [{ path, message: `names the role '${role.slice(0, 64)}', which is given to no extension` }];
      return known.has(role) ? [] : [{ path, message: `names the role '${role.slice(0, 64)}', which does not exist` }];
    });
  }
}
