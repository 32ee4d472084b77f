/**
 * The tokens that tasks are given: one an attempt, which takes the place of those of the task's earlier attempts, and reaches the task's
 * own pipeline only.
 */
import { uuidv7 } from 'uuidv7';
import { INJECTED_ROLE } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import { type MintedSecret, mintSecret } from './mint-secret.ts';

/** As v0 has it. */
const LIFETIME_MS = 21 * 24 * 3600 * 1000;
const USER = 'system_generated_run_token';

export interface TaskTokenSubject {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly pipelineUid: string;
  readonly runUid: string;
  readonly runId: number;
  readonly taskId: string;
}

/** Where tasks reach this server. */
export interface TaskAccess {
  /** Resolves with the base URL of the API as tasks have it, or with why there is none, once the server listens. */
  baseUrl(): Promise<{ readonly url: string } | { readonly missing: string }>;
}

export interface NewTaskToken extends MintedSecret {
  readonly id: string;
}

export function mintTaskToken(): NewTaskToken {
  return { id: uuidv7(), ...mintSecret() };
}

/** Inside a commit only. */
export function insertTaskToken(store: Store, token: NewTaskToken, subject: TaskTokenSubject, now: number): void {
  const { pipelineUid, runUid, taskId } = subject;
  store.tokens.deleteOfTask(runUid, taskId);
  store.tokens.insert({
    id: token.id,
    hash: token.hash,
    user: USER,
    roles: [INJECTED_ROLE],
    metadata: {
      system_generated_run_token: 'true',
      namespace: subject.namespaceId,
      pipeline: subject.pipelineId,
      run: String(subject.runId),
      task: taskId,
    },
    created: now,
    expires: now + LIFETIME_MS,
    task: { pipelineUid, runUid, taskId },
  });
  store.runs.setToken(runUid, token.id);
}
