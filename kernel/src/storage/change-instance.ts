/**
 * Makes a copied database one of a server of its own, beside the one that it was copied from: another instance id, its own keys in the
 * stores, and no claim on what the other one's schedulers still run. Runs that had not ended have failed, as nobody here watches them.
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
      ] as const)
        connection.prepare(`UPDATE ${table} SET ${column} = replace(${column}, ?, ?)`).run(`${before}/`, `${instanceId}/`);
      // What is loose is the other server's to remove.
      connection.exec('DELETE FROM loose_bodies');
      const loose = connection.prepare("INSERT OR IGNORE INTO loose_bodies (store, body) VALUES ('secrets', ?)");
      const given = connection.prepare<[], string>('SELECT given FROM attempts WHERE given IS NOT NULL').pluck().all();
      for (const value of given.flatMap((pointer) => pointer.split(' '))) loose.run(value.replace(`${before}/`, `${instanceId}/`));
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
