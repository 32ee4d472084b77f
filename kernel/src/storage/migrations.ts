/**
 * The schema, forward only: each entry brings a database from the version before it to its own. What was released is never edited.
 * Times are epoch milliseconds, 0 where the API says 0; JSON columns hold what the API answers. `seq` of an event is given in the
 * commit that makes it, so its order is the order of commits.
 */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE system (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        instance_id TEXT NOT NULL,
        bootstrap_token_created INTEGER NOT NULL DEFAULT 0,
        ignore_pipeline_run_events INTEGER
      ) STRICT;

      CREATE TABLE namespaces (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE pipelines (
        uid TEXT PRIMARY KEY,
        namespace_id TEXT NOT NULL,
        pipeline_id TEXT NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
        deleted INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX pipelines_by_id ON pipelines (namespace_id, pipeline_id) WHERE deleted = 0;
      CREATE INDEX pipelines_deleted ON pipelines (deleted) WHERE deleted <> 0;

      CREATE TABLE pipeline_configs (
        pipeline_uid TEXT NOT NULL REFERENCES pipelines ON DELETE CASCADE,
        version INTEGER NOT NULL,
        definition TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('unreleased', 'live', 'deprecated')),
        registered INTEGER NOT NULL,
        deprecated INTEGER NOT NULL,
        PRIMARY KEY (pipeline_uid, version)
      ) STRICT;

      CREATE TABLE deployments (
        pipeline_uid TEXT NOT NULL REFERENCES pipelines ON DELETE CASCADE,
        deployment_id INTEGER NOT NULL,
        start_version INTEGER NOT NULL,
        end_version INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        PRIMARY KEY (pipeline_uid, deployment_id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE runs (
        uid TEXT PRIMARY KEY,
        pipeline_uid TEXT NOT NULL REFERENCES pipelines ON DELETE CASCADE,
        run_id INTEGER NOT NULL,
        config_version INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'complete')),
        status TEXT NOT NULL,
        status_reason TEXT,
        initiator TEXT NOT NULL,
        variables TEXT NOT NULL,
        cancel_reason TEXT,
        idempotency_key TEXT,
        event_id TEXT,
        owner TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX runs_by_id ON runs (pipeline_uid, run_id);
      CREATE UNIQUE INDEX runs_by_key ON runs (pipeline_uid, idempotency_key) WHERE idempotency_key IS NOT NULL;
      CREATE INDEX runs_unfinished ON runs (state) WHERE state <> 'complete';

      -- A task that has not been decided yet has no row: it waits for its parents, which the graph and these rows say.
      CREATE TABLE task_executions (
        run_uid TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        task_id TEXT NOT NULL,
        created INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('processing', 'running', 'complete')),
        status TEXT NOT NULL,
        status_reason TEXT,
        exit_code INTEGER,
        variables TEXT NOT NULL,
        cancel_grace_ms INTEGER,
        PRIMARY KEY (run_uid, task_id)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE attempts (
        uid TEXT PRIMARY KEY,
        run_uid TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        task_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        engine TEXT NOT NULL,
        handle TEXT,
        state TEXT NOT NULL CHECK (state IN ('processing', 'running', 'complete')),
        status TEXT NOT NULL,
        exit_code INTEGER,
        created INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        log TEXT,
        logs_removed INTEGER NOT NULL DEFAULT 0,
        logs_expired INTEGER NOT NULL DEFAULT 0,
        removed INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX attempts_by_task ON attempts (run_uid, task_id, number);
      CREATE INDEX attempts_kept ON attempts (engine) WHERE removed = 0;

      CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        emitted INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 2,
    sql: `
      -- What a user's key means. \`owner_uid\` is a pipeline's or a run's; \`seq\` is the order in which they were put.
      CREATE TABLE objects (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        owner_uid TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        size INTEGER NOT NULL,
        created INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX objects_by_key ON objects (owner_uid, key);
      CREATE INDEX objects_in_order ON objects (owner_uid, seq);

      -- \`owner\` is a pipeline's uid, or 'global'.
      CREATE TABLE secrets (
        owner TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        namespaces TEXT NOT NULL,
        created INTEGER NOT NULL,
        PRIMARY KEY (owner, key)
      ) STRICT, WITHOUT ROWID;

      -- What a store may keep that nothing points to, not yet or no longer.
      CREATE TABLE loose_bodies (
        store TEXT NOT NULL CHECK (store IN ('objects', 'secrets')),
        body TEXT NOT NULL,
        PRIMARY KEY (store, body)
      ) STRICT, WITHOUT ROWID;

      -- The values that an attempt was given, in the secret store until its log is sealed.
      ALTER TABLE attempts ADD COLUMN given TEXT;
      ALTER TABLE attempts ADD COLUMN warnings TEXT;
      CREATE INDEX attempts_given ON attempts (run_uid) WHERE given IS NOT NULL;

      -- Passwords of registries, in the secret store; NULL where the definition has none.
      ALTER TABLE pipeline_configs ADD COLUMN credentials TEXT;
      ALTER TABLE system ADD COLUMN credentials_sealed INTEGER NOT NULL DEFAULT 0;

      -- Run numbers are not given twice, even if the newest run is deleted; versions up to \`versions_expired\` may have expired.
      ALTER TABLE pipelines ADD COLUMN last_run_id INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE pipelines ADD COLUMN versions_expired INTEGER NOT NULL DEFAULT 0;

      -- \`objects_expired\`: 1 since they have, 2 once they are taken away.
      ALTER TABLE runs ADD COLUMN logs_expired INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE runs ADD COLUMN objects_expired INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE runs ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX runs_with_logs ON runs (pipeline_uid, run_id) WHERE logs_expired = 0;
      CREATE INDEX runs_with_objects ON runs (pipeline_uid, run_id) WHERE objects_expired < 2;
      CREATE INDEX runs_deleted ON runs (deleted) WHERE deleted <> 0;
    `,
  },
  {
    version: 3,
    sql: `
      -- \`hash\` is the SHA-256 of the secret, which is kept nowhere. A token of a task has its run, and reaches its pipeline only.
      CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        user TEXT NOT NULL,
        roles TEXT NOT NULL,
        metadata TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        disabled INTEGER NOT NULL DEFAULT 0,
        last_used INTEGER NOT NULL DEFAULT 0,
        pipeline_uid TEXT REFERENCES pipelines ON DELETE CASCADE,
        run_uid TEXT REFERENCES runs ON DELETE CASCADE,
        task_id TEXT
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tokens_of_runs ON tokens (run_uid) WHERE run_uid IS NOT NULL;
      CREATE INDEX tokens_of_pipelines ON tokens (pipeline_uid) WHERE pipeline_uid IS NOT NULL;

      CREATE TABLE sessions (
        hash TEXT PRIMARY KEY,
        token_id TEXT NOT NULL REFERENCES tokens ON DELETE CASCADE,
        expires INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sessions_of_tokens ON sessions (token_id);

      -- Roles that people have made; the system's own are the program's.
      CREATE TABLE roles (
        id TEXT PRIMARY KEY,
        description TEXT NOT NULL,
        permissions TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        actor_id TEXT NOT NULL,
        actor_user TEXT NOT NULL,
        address TEXT NOT NULL,
        operation TEXT NOT NULL,
        target TEXT NOT NULL,
        namespace_id TEXT,
        pipeline_id TEXT,
        result TEXT NOT NULL,
        request_id TEXT NOT NULL
      ) STRICT;
      CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

      ALTER TABLE runs ADD COLUMN token_id TEXT;
    `,
  },
  {
    version: 4,
    sql: `
      -- When a run was admitted; who asked for its end, why and how, as JSON; the run that it repeats.
      ALTER TABLE runs ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE runs ADD COLUMN cancellation TEXT;
      ALTER TABLE runs ADD COLUMN retry_of INTEGER;
      UPDATE runs SET begun = started WHERE state <> 'pending';

      -- Who asked for the end of a task, as JSON; when its next attempt is due (0: none is); which run its result was taken over from.
      ALTER TABLE task_executions ADD COLUMN cancellation TEXT;
      ALTER TABLE task_executions ADD COLUMN retry_at INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE task_executions ADD COLUMN taken_from INTEGER;

      -- Why an attempt ended so; why it is being ended by the server; what was heard of it after its end, which changes nothing.
      ALTER TABLE attempts ADD COLUMN status_reason TEXT;
      ALTER TABLE attempts ADD COLUMN stopped_for TEXT;
      ALTER TABLE attempts ADD COLUMN late TEXT;
      -- Two runs may point to one body.
      CREATE INDEX objects_by_body ON objects (body);
      CREATE INDEX attempts_unfinished ON attempts (state) WHERE state <> 'complete';
    `,
  },
  {
    version: 5,
    sql: `
      -- \`settings\` are the keys, and the values that are references, as \`registry_pass\` is where the password is one; \`sealed\` points to
      -- all values, and the registry's password, in the secret store; \`key\` to the extension's own secret, whose hash is that of the token \`token_id\`. \`documentation\` is the last it gave.
      CREATE TABLE extensions (
        id TEXT PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        image TEXT NOT NULL,
        registry_user TEXT,
        registry_pass TEXT,
        settings TEXT NOT NULL,
        sealed TEXT,
        key TEXT NOT NULL,
        token_id TEXT NOT NULL UNIQUE,
        additional_roles TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        documentation TEXT,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        restarts INTEGER NOT NULL DEFAULT 0,
        last_error TEXT,
        last_error_at INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;

      -- One for each start of an extension that has one of a scheduler's tasks or a log. \`handle\` is NULL before it is started and once it
      -- is removed; \`given\` points to what is masked in its log, and is NULL once that is sealed.
      CREATE TABLE extension_starts (
        uid TEXT PRIMARY KEY,
        extension_uid TEXT NOT NULL,
        engine TEXT NOT NULL,
        handle TEXT,
        given TEXT,
        fingerprint TEXT NOT NULL,
        created INTEGER NOT NULL,
        ended INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX extension_starts_of ON extension_starts (extension_uid, created);

      -- \`intent\` is what was begun and not finished, NULL where nothing is: \`create\`, \`update\` or \`delete\`; \`wanted\` the settings of an
      -- update. \`given_to\` is the extension's start that may have it, and \`agreed\` is 1 where that has exactly these settings. The names
      -- are those that the extension knows it by, and outlive the pipeline until the extension was told.
      CREATE TABLE subscriptions (
        uid TEXT PRIMARY KEY,
        pipeline_uid TEXT NOT NULL,
        namespace_id TEXT NOT NULL,
        pipeline_id TEXT NOT NULL,
        extension_id TEXT NOT NULL,
        subscription_id TEXT NOT NULL,
        settings TEXT NOT NULL,
        wanted TEXT,
        enabled INTEGER NOT NULL DEFAULT 1,
        fault TEXT,
        intent TEXT CHECK (intent IN ('create', 'update', 'delete')),
        given_to TEXT,
        agreed INTEGER NOT NULL DEFAULT 0,
        origin TEXT NOT NULL CHECK (origin IN ('api', 'config')),
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX subscriptions_by_name ON subscriptions (extension_id, namespace_id, pipeline_id, subscription_id);
      CREATE INDEX subscriptions_of_pipeline ON subscriptions (pipeline_uid);
      CREATE INDEX subscriptions_unfinished ON subscriptions (intent) WHERE intent IS NOT NULL;

      -- \`failures\` counts attempts in vain since it became pending, or was made so again; \`attempts\` all there were.
      CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        extension_uid TEXT NOT NULL,
        received INTEGER NOT NULL,
        stored INTEGER NOT NULL GENERATED ALWAYS AS (octet_length(headers) + length(body) + 256) STORED,
        headers TEXT NOT NULL,
        body BLOB NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'refused', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        next_attempt INTEGER NOT NULL DEFAULT 0,
        finished INTEGER NOT NULL DEFAULT 0,
        status_code INTEGER,
        message TEXT
      ) STRICT;
      CREATE INDEX deliveries_of_extension ON deliveries (extension_uid, seq);
      CREATE INDEX deliveries_pending ON deliveries (extension_uid, next_attempt, seq) WHERE state = 'pending';
      CREATE INDEX deliveries_by_age ON deliveries (received);
      CREATE INDEX deliveries_refused ON deliveries (extension_uid, seq) WHERE state = 'refused';

      -- Bytes that are there for an extension: to add them up for each event would take longer than to write it.
      CREATE TABLE delivery_sums (
        extension_uid TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
        INSERT INTO delivery_sums (extension_uid, bytes) VALUES (NEW.extension_uid, NEW.stored)
          ON CONFLICT (extension_uid) DO UPDATE SET bytes = bytes + excluded.bytes;
      END;
      CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
        UPDATE delivery_sums SET bytes = bytes - OLD.stored WHERE extension_uid = OLD.extension_uid;
        DELETE FROM delivery_sums WHERE extension_uid = OLD.extension_uid AND bytes = 0;
      END;

      -- Set once the extensions that every server has were installed, so that one which is uninstalled stays so.
      ALTER TABLE system ADD COLUMN standard_extensions INTEGER NOT NULL DEFAULT 0;
    `,
  },
  {
    version: 6,
    sql: `
      -- How often somebody wanted it done again though it had been taken.
      ALTER TABLE deliveries ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
      -- Runs that an extension has started because of an event from outside, as it said when it did.
      CREATE TABLE delivery_runs (
        delivery_id TEXT NOT NULL,
        run_uid TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        PRIMARY KEY (delivery_id, run_uid)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX delivery_runs_by_run ON delivery_runs (run_uid);
      CREATE TRIGGER delivery_runs_removed AFTER DELETE ON deliveries BEGIN
        DELETE FROM delivery_runs WHERE delivery_id = OLD.id;
      END;
    `,
  },
];
