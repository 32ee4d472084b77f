/** What a database says of itself: SQLite's own checks, and the rules of ours that no constraint of the schema holds. */
import SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';
import { openForReading } from './snapshot.ts';

/** Each finds the uids of what breaks a rule; `repair` mends it, where there is a way that loses nothing. */
const RULES: readonly { readonly problem: string; readonly find: string; readonly repair?: string; readonly repaired?: string }[] = [
  {
    problem: 'a run that has ended has a task that has not',
    find: "SELECT t.run_uid || '/' || t.task_id FROM task_executions t JOIN runs r ON r.uid = t.run_uid WHERE r.state = 'complete' AND t.state <> 'complete'",
    repair: `UPDATE task_executions SET state = 'complete', status = 'failed', ended = (SELECT ended FROM runs WHERE uid = run_uid),
             status_reason = '{"reason":"orphaned","description":"its run had ended without it"}'
             WHERE state <> 'complete' AND run_uid IN (SELECT uid FROM runs WHERE state = 'complete')`,
    repaired: 'the task has failed as orphaned',
  },
  {
    problem: 'a run that has ended has an attempt that has not',
    find: "SELECT a.uid FROM attempts a JOIN runs r ON r.uid = a.run_uid WHERE r.state = 'complete' AND a.state <> 'complete'",
    // What an engine still has of it is then found by the next start, and removed.
    repair: `UPDATE attempts SET state = 'complete', status = 'failed', ended = (SELECT ended FROM runs WHERE uid = run_uid),
             status_reason = '{"reason":"orphaned","description":"its run had ended without it"}'
             WHERE state <> 'complete' AND run_uid IN (SELECT uid FROM runs WHERE state = 'complete')`,
    repaired: 'the attempt has failed as orphaned',
  },
  {
    problem: 'an attempt has no task',
    find: 'SELECT uid FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM task_executions t WHERE t.run_uid = a.run_uid AND t.task_id = a.task_id)',
  },
  {
    problem: 'a task that has ended has an attempt that has not',
    find: "SELECT a.uid FROM attempts a JOIN task_executions t ON t.run_uid = a.run_uid AND t.task_id = a.task_id JOIN runs r ON r.uid = a.run_uid WHERE t.state = 'complete' AND a.state <> 'complete' AND r.state <> 'complete'",
  },
  {
    problem: 'an object belongs to no pipeline, no run and no extension',
    find: `SELECT owner_uid FROM objects WHERE owner_uid NOT IN (SELECT uid FROM pipelines) AND owner_uid NOT IN (SELECT uid FROM runs)
           AND owner_uid NOT IN (SELECT uid FROM extensions)`,
  },
  {
    problem: 'an extension has no token',
    find: 'SELECT id FROM extensions WHERE token_id NOT IN (SELECT id FROM tokens)',
  },
  {
    problem: 'a subscription is to an extension that is not installed',
    find: 'SELECT uid FROM subscriptions WHERE extension_id NOT IN (SELECT id FROM extensions)',
    repair: 'DELETE FROM subscriptions WHERE extension_id NOT IN (SELECT id FROM extensions)',
    repaired: 'the subscription was removed',
  },
  {
    problem: 'a subscription belongs to no pipeline',
    find: "SELECT uid FROM subscriptions WHERE pipeline_uid NOT IN (SELECT uid FROM pipelines) AND intent IS NOT 'delete'",
    // Its extension is told of it by the next server.
    repair: `UPDATE subscriptions SET intent = 'delete', wanted = NULL WHERE pipeline_uid NOT IN (SELECT uid FROM pipelines)`,
    repaired: 'the subscription has ended',
  },
  {
    problem: 'runs were started because of an event that is not kept',
    find: 'SELECT DISTINCT delivery_id FROM delivery_runs WHERE delivery_id NOT IN (SELECT id FROM deliveries)',
    repair: 'DELETE FROM delivery_runs WHERE delivery_id NOT IN (SELECT id FROM deliveries)',
    repaired: 'it was forgotten that they belong to it',
  },
];

export interface DatabaseFinding {
  readonly part: 'database';
  readonly subject: string;
  readonly problem: string;
  /** What was done; absent where nothing was. */
  readonly repaired?: string;
}

/** Changes nothing unless `repair` is asked for. Throws as `openForReading`. */
export function checkDatabase(path: string, repair: boolean): DatabaseFinding[] {
  const connection = openForReading(path);
  const findings: DatabaseFinding[] = [];
  const broken: (typeof RULES)[number][] = [];
  try {
    for (const text of texts(connection, 'PRAGMA integrity_check'))
      if (text !== 'ok') findings.push({ part: 'database', subject: 'the file', problem: text });
    // A damaged file would answer nonsense.
    if (findings.length > 0) return findings;
    for (const { table, parent } of connection.pragma('foreign_key_check') as { table: string; parent: string }[])
      findings.push({ part: 'database', subject: table, problem: `a row points to one of ${parent} that is not there` });
    for (const rule of RULES) {
      const found = texts(connection, rule.find);
      const mended = repair && rule.repaired !== undefined ? { repaired: rule.repaired } : {};
      for (const subject of found) findings.push({ part: 'database', subject, problem: rule.problem, ...mended });
      if (found.length > 0) broken.push(rule);
    }
  } finally {
    connection.close();
  }
  if (repair)
    mend(
      path,
      broken.flatMap((rule) => rule.repair ?? []),
    );
  return findings;
}

function texts(connection: Connection, sql: string): string[] {
  return connection.prepare<[], string>(sql).pluck().all();
}

function mend(path: string, statements: readonly string[]): void {
  if (statements.length === 0) return;
  const connection = new SQLite(path);
  try {
    connection.transaction(() => {
      for (const statement of statements) connection.exec(statement);
    })();
  } finally {
    connection.close();
  }
}
