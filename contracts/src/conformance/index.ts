export { LawBroken } from './assertions.ts';
export type { AuthHarness, CredentialKind, Ending, IssuedCredentials, LoginHarness, OpenAuth } from './auth-harness.ts';
export type { AuthLaw } from './auth-law.ts';
export { AUTH_LAWS, authSuite, checkAuth } from './auth-suite.ts';
export { filesHolding } from './files-holding.ts';
export type { Hosting } from './law.ts';
export type { ObjectStoreHarness, OpenObjectStore } from './object-store-harness.ts';
export type { ObjectStoreLaw } from './object-store-law.ts';
export { checkObjectStore, OBJECT_STORE_LAWS, objectStoreSuite } from './object-store-suite.ts';
export type { SchedulerHarness } from './scheduler-harness.ts';
export type { SchedulerLaw } from './scheduler-law.ts';
export {
  checkScheduler,
  SCHEDULER_LAWS,
  schedulerSuite,
} from './scheduler-suite.ts';
export type { FormerKey, OpenSecretStore, SecretStoreHarness } from './secret-store-harness.ts';
export type { SecretStoreLaw } from './secret-store-law.ts';
export { checkSecretStore, SECRET_STORE_LAWS, secretStoreSuite } from './secret-store-suite.ts';
export type { ProgramStep, TaskCommand, TaskProgram } from './task-program.ts';
export { shellProgram } from './task-program.ts';
export { evidenceOfFiles, findTrace } from './traces.ts';
export type { LawResult, SuiteRunner } from './trial.ts';
