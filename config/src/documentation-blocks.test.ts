/** Every TOML block that the documentation shows is a configuration that loads. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCliConfig } from './load-cli-config.ts';
import { loadServerConfig } from './load-server-config.ts';
import { SAMPLE_ENCRYPTION_KEY } from './store-and-scheduler-schema.ts';

const SERVER_BLOCKS: Readonly<Record<string, string>> = {
  api: `
[api]
ignore_pipeline_run_events = false
run_parallelism_limit = 200
pipeline_version_retention = 10
event_log_retention = 15768000     # 6 months
event_prune_interval = 604800      # 1 week
log_level = "info"
task_execution_log_retention = 50  # total runs
task_execution_logs_dir = "/tmp"
task_execution_stop_timeout = 300  # 5 mins
admin_key = "test"
`,
  'api as the table of keys names it': `
[api]
event_log_retention = "4380h"
event_prune_interval = "3h"
ignore_pipeline_run_events = false
log_level = "debug"
run_parallelism_limit = 0
task_execution_logs_dir = "/tmp"
task_execution_log_expiry = 20
task_execution_stop_timeout = "5m"
`,
  development: `
[development]
pretty_logging = true     # Tells the logging package to use human readable output.
bypass_auth = true        # Turns off auth.
use_included_certs = true # Automatically loads localhost certs for development.
`,
  'development as the table of keys names it': `
[development]
bypass_auth = false
default_encryption = false
pretty_logging = false
use_localhost_tls = false
`,
  external_events: `
[external_events]
enable = true
bind_address = "0.0.0.0:8081"
use_tls = false
`,
  'external_events as the table of keys names it': `
[external_events_api]
enable = true
host = "localhost:8081"
`,
  object_store: `
[object_store]
engine = "sqlite"
pipeline_object_limit = 50
run_object_expiry = 50

[object_store.sqlite]
path = "/tmp/gofer_objects.db"
`,
  'object_store of the last release': `
[object_store]
engine = "filesystem"
pipeline_object_limit = 50
run_object_expiry = 2

[object_store.filesystem]
path = "/tmp/gofer_objects"
`,
  secret_store: `
[secret_store]
engine = "sqlite"

[secret_store.sqlite]
path = "/tmp/gofer_secrets.db"
encryption_key = "changemechangemechangemechangeme"
`,
  'secret_store, the engine alone': `
[secret_store]
engine = "sqlite"
`,
  scheduler: `
[scheduler]
engine = "docker"

[scheduler.docker]
prune = true
prune_interval = 604800
timeout = 300           # Should be the same or more than the task_execution_stop_timeout
`,
  server: `
[server]
url = "http://localhost:8080"
bind_address = "0.0.0.0:8080"
extension_address = "172.17.0.1:8080"
shutdown_timeout = 15
storage_path = "/tmp/gofer.db"
storage_results_limit = 200
use_tls = false
`,
  'server as the table of keys names it': `
[server]
host = "localhost:8080"
shutdown_timeout = "15s"
tls_cert_path = "/etc/gofer/cert.pem"
tls_key_path = "/etc/gofer/key.pem"
storage_path = "/tmp/gofer.db"
storage_results_limit = 200
`,
  extensions: `
[extensions]
install_std_extensions = true
stop_timeout = 300            # 5 mins
use_tls = false
`,
  'extensions as the table of keys names it': `
[extensions]
install_base_extensions = true
stop_timeout = "5m"
tls_cert_path = "/etc/gofer/cert.pem"
tls_key_path = "/etc/gofer/key.pem"
verify_certs = false
`,
  'limits of the last release': `
[api]
pipeline_run_concurrency_limit = 200
global_run_concurrency_limit = 2000
`,
};

const CLI_BLOCKS: Readonly<Record<string, string>> = {
  detail: 'detail = false\n',
  'all options': `
# /home/user/.gofer.toml
api_base_url  = "http://127.0.0.1:8080/"
debug         = false
detail        = false
namespace     = "default"
output_format = "plain"
`,
};

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-config-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('the blocks of the documentation', () => {
  it.each(Object.entries(SERVER_BLOCKS))('server: %s', async (_name, text) => {
    const configPath = join(directory, 'gofer_web.toml');
    await writeFile(configPath, text);
    // The one value that is shown but refused as a real server's is the sample key: here it is replaced, as an operator would.
    const flags = text.includes(SAMPLE_ENCRYPTION_KEY) ? { 'secret_store.sqlite.encryption_key': 'k'.repeat(32) } : {};
    const loaded = await loadServerConfig({ environment: { HOME: directory }, configPath, flags });
    expect(loaded.source.path).toBe(configPath);
    expect(loaded.developmentMode).toBe(false);
  });

  it.each(Object.entries(CLI_BLOCKS))('command line: %s', async (_name, text) => {
    const configPath = join(directory, 'gofer.toml');
    await writeFile(configPath, text);
    const { config } = await loadCliConfig({ environment: {}, configPath });
    expect(config).toMatchObject({ api_base_url: 'http://127.0.0.1:8080/', detail: false, namespace: 'default' });
  });
});
