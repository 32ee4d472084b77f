import type { SecretStoreCapabilities } from '../secret-store.ts';
import type { Law } from './law.ts';
import type { SecretStoreStage } from './secret-store-stage.ts';

/** One clause of the secret-store contract. */
export type SecretStoreLaw = Law<SecretStoreStage, SecretStoreCapabilities>;
