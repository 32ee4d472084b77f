import type { AuthTraits } from './auth-harness.ts';
import type { AuthStage } from './auth-stage.ts';
import type { Law } from './law.ts';

/** One clause of the auth contract. */
export type AuthLaw = Law<AuthStage, AuthTraits>;
