import { type Fault, GoferError } from '@gofer/contracts';
import type { Token } from '@gofer/contracts/api';
import { uuidv7 } from 'uuidv7';
import { mintSecret } from '../access/mint-secret.ts';
import {
  ADMIN_ROLE,
  BOOTSTRAP_ROLE,
  EXTENSION_ROLE_PREFIX,
  INJECTED_ROLE,
  isAdmin,
  type Principal,
  SYSTEM_ROLES,
} from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { StoredToken } from '../storage/tokens-table.ts';
import { limitsOf } from './lookup.ts';
import type { NewToken, Page, TokenService, TokenWithSecret } from './services.ts';

export class StoredTokenService implements TokenService {
  readonly #store: Store;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async list(page: Page): Promise<Token[]> {
    return this.#store.tokens.list(...limitsOf(page)).map(toToken);
  }

  async get(id: string): Promise<Token> {
    return toToken(this.#existing(id));
  }

  async ofPrincipal({ id, user, roles }: Principal): Promise<Token> {
    const stored = this.#store.tokens.byId(id);
    // Not every principal has a token of ours: another plugin's, and everybody's where authentication is bypassed, are told as they are.
    return stored === undefined ? { id, user, roles: [...roles], created: 0, expires: 0, disabled: false, metadata: {} } : toToken(stored);
  }

  async createBootstrap(): Promise<TokenWithSecret> {
    return this.#store.commitAudited(() => {
      const { system } = this.#store;
      // In the commit, so that of two who ask at the same time one is first.
      if (system.preferences().bootstrap_token_created)
        throw new GoferError(
          'FAILED_PRECONDITION',
          'The bootstrap token was created already, and is created once only. Ask whoever has it for a token.',
        );
      system.markBootstrapTokenCreated();
      return this.#insert({ user: 'bootstrap', roles: [BOOTSTRAP_ROLE], expires: 0, metadata: { bootstrap_token: 'true' } });
    });
  }

  async create(creator: Principal, token: NewToken): Promise<TokenWithSecret> {
    return this.#store.commitAudited(() => {
      this.#assertMayGive(creator, token);
      // Where authentication was bypassed there is an administrator without a first token: nobody is to be given it behind them.
      if (token.roles.includes(ADMIN_ROLE)) this.#store.system.markBootstrapTokenCreated();
      return this.#insert(token);
    });
  }

  async setDisabled(caller: Principal, id: string, disabled: boolean): Promise<void> {
    await this.#store.commitAudited(() => {
      this.#existing(id);
      if (id === caller.id && disabled) throw ownToken('disable');
      this.#store.tokens.setDisabled(id, disabled);
    });
  }

  async delete(caller: Principal, id: string): Promise<void> {
    await this.#store.commitAudited(() => {
      if (id === caller.id) throw ownToken('delete');
      this.#store.tokens.delete(id);
    });
  }

  /** A token never has what its creator lacks: roles, or a longer life. */
  #assertMayGive(creator: Principal, { roles, expires }: NewToken): void {
    const faults = roles.flatMap((role, index): Fault[] => {
      const fault = this.#roleFault(creator, role);
      return fault === undefined ? [] : [{ path: `$.roles[${index}]`, message: fault.message }];
    });
    const [first] = faults;
    if (first !== undefined) {
      const denied = roles.some((role) => this.#roleFault(creator, role)?.denied === true);
      throw new GoferError(
        denied ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT',
        `The token cannot be created: ${first.path} ${first.message}.`,
        {
          details: faults,
        },
      );
    }
    const own = this.#store.tokens.byId(creator.id)?.expires ?? 0;
    if (own !== 0 && (expires === 0 || this.#now() + expires * 1000 > own)) {
      const left = Math.max(0, Math.floor((own - this.#now()) / 1000));
      throw new GoferError(
        'PERMISSION_DENIED',
        `A token cannot outlive the one that creates it: expires may be at most ${left} seconds here.`,
      );
    }
  }

  #roleFault(creator: Principal, role: string): { readonly message: string; readonly denied: boolean } | undefined {
    if (role.toLowerCase() === BOOTSTRAP_ROLE) return { message: 'is the role of the first token, and is given to no other', denied: true };
    if (role === INJECTED_ROLE) return { message: 'is the role of the tokens of tasks, and is given to no other', denied: true };
    if (role.startsWith(EXTENSION_ROLE_PREFIX)) return { message: 'is the role of an extension, and is given to no other', denied: true };
    const exists = this.#store.roles.find(role) !== undefined || SYSTEM_ROLES.some(({ id }) => id === role);
    if (!exists) return { message: `names the role '${role.slice(0, 64)}', which does not exist`, denied: false };
    if (isAdmin(creator) || creator.roles.includes(role)) return undefined;
    return { message: `names the role '${role.slice(0, 64)}', which your own token does not have`, denied: true };
  }

  /** Inside a commit only. */
  #insert({ user, roles, expires, metadata }: NewToken): TokenWithSecret {
    const { secret, hash } = mintSecret();
    const [id, created] = [uuidv7(), this.#now()];
    this.#store.tokens.insert({
      id,
      hash,
      user,
      roles,
      metadata,
      created,
      expires: expires === 0 ? 0 : created + expires * 1000,
      task: undefined,
    });
    this.#store.trail.add('id', id);
    return { token_details: toToken(this.#existing(id)), secret };
  }

  #existing(id: string): StoredToken {
    const token = this.#store.tokens.byId(id);
    if (token === undefined) throw new GoferError('NOT_FOUND', `There is no token '${id.slice(0, 64)}'.`);
    return token;
  }
}

function ownToken(what: string): GoferError {
  return new GoferError(
    'FAILED_PRECONDITION',
    `This is the token that you are using: ${what} it with another one, so that you do not lock yourself out.`,
  );
}

function toToken({ id, created, metadata, expires, disabled, user, roles, lastUsed }: StoredToken): Token {
  return { id, created, metadata: { ...metadata }, expires, disabled, user, roles: [...roles], last_used: lastUsed };
}
