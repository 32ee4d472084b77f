/**
 * Makes a copied database one of a server of its own, beside the one that it was copied from: another instance id, its own keys in the
 * stores, and no claim on what the other one's schedulers still run. Runs that had not ended have failed, as nobody here watches them,
 * and events from outside that waited for an extension are given up, as it is the other server that hands them over.
 */
import SQLite from 'better-sqlite3';

/** One transaction. `now`: epoch milliseconds. Returns the number of runs that were ended. */
export function changeInstance(path: string, instanceId: string, now: number): number {
  const connection = new SQLite(path);
  try {
    return connection.transaction(() => {
      const before = String(connection.prepare('SELECT instance_id FROM system').pluck().get());
      connection.prepare('UPDATE system SET instance_id = ?').run(instanceId);
      for (const [table, column] of [
        ['objects', 'body'],
        ['secrets', 'value'],
        ['pipeline_configs', 'credentials'],
        ['extensions', 'key'],
        ['extensions', 'sealed'],
        ['extension_starts', 'given'],
      ] as const)
        connection.prepare(`UPDATE ${table} SET ${column} = replace(${column}, ?, ?)`).run(`${before}/`, `${instanceId}/`);
      // What is loose is the other server's to remove.
      connection.exec('DELETE FROM loose_bodies');
      const loose = connection.prepare("INSERT OR IGNORE INTO loose_bodies (store, body) VALUES ('secrets', ?)");
      const given = connection.prepare<[], string>('SELECT given FROM attempts WHERE given IS NOT NULL').pluck().all();
      for (const value of given.flatMap((pointer) => pointer.split(' '))) loose.run(value.replace(`${before}/`, `${instanceId}/`));
      // The next server finds nothing to go on with, and nothing to end: it closes their logs.
      connection.exec('UPDATE extension_starts SET handle = NULL');
      connection
        .prepare("UPDATE deliveries SET state = 'failed', finished = ?, next_attempt = 0, message = ? WHERE state = 'pending'")
        .run(now, 'the server was restored from a backup as another instance');
      const reason = JSON.stringify({ reason: 'orphaned', description: 'the server was restored from a backup as another instance' });
      connection
        .prepare("UPDATE attempts SET state = 'complete', status = 'failed', ended = ?, given = NULL WHERE state <> 'complete'")
        .run(now);
      connection.exec('UPDATE attempts SET removed = 1, given = NULL');
      connection
        .prepare(
          "UPDATE task_executions SET state = 'complete', status = 'failed', ended = ?, status_reason = ?, retry_at = 0 WHERE state <> 'complete'",
        )
        .run(now, reason);
      return connection
        .prepare("UPDATE runs SET state = 'complete', status = 'failed', ended = ?, status_reason = ? WHERE state <> 'complete'")
        .run(now, JSON.stringify({ reason: 'abnormal_exit', description: 'the server was restored from a backup as another instance' }))
        .changes;
    })();
  } finally {
    connection.close();
  }
}

/**
 * Of a restored database: what an extension was told since the moment of the backup nobody knows here, so none that still runs is gone on
 * with. The next server ends it, and starts it anew.
 */
export function distrustStarts(path: string): void {
  const connection = new SQLite(path);
  try {
    connection.exec("UPDATE extension_starts SET fingerprint = ''");
  } finally {
    connection.close();
  }
}
