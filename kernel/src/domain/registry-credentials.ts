/** Passwords of registries, which do not belong into a definition that is stored in clear. */
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { isReference } from './reference.ts';

/** Task id → password. */
export type Passwords = Readonly<Record<string, string>>;

/** The definition without its passwords, and the passwords. One that refers to a secret stays where it is: it says nothing. */
export function separatePasswords(definition: PipelineDefinition): {
  readonly definition: PipelineDefinition;
  readonly passwords: Passwords;
} {
  if (definition.tasks.every((task) => task.registryAuth === undefined)) return { definition, passwords: {} };
  // No object to assign to: of a task called `__proto__` nothing would be kept.
  const passwords = new Map<string, string>();
  const tasks = definition.tasks.map((task) => {
    if (task.registryAuth === undefined || isReference(task.registryAuth.pass)) return task;
    passwords.set(task.id, task.registryAuth.pass);
    return { ...task, registryAuth: { user: task.registryAuth.user, pass: '' } };
  });
  return { definition: { ...definition, tasks }, passwords: Object.fromEntries(passwords) };
}
