#!/usr/bin/env node
// Starts the command. Written for the oldest Node that a user may have: it answers `--version` itself, finds a Node that can run
// the rest, and decides between the bundle in dist/ and the sources. A bundle is used only while each of its sources is exactly as
// it was when it was bundled (size and modification time, recorded in dist/sources.json); else the sources run, which is slower to
// start and never wrong. An installed package has no sources, only the bundle.
import childProcess from 'child_process';
import fs from 'fs';
import moduleApi from 'module';
import path from 'path';
import url from 'url';

const REQUIRED_MAJOR = 24;
const root = path.resolve(path.dirname(fs.realpathSync(url.fileURLToPath(import.meta.url))), '../..');
const argv = process.argv.slice(2);

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')).version + '\n');
} else if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) {
  // Programs that this one starts may start gofer again, by an old Node again.
  delete process.env.GOFER_LAUNCHER_NODE;
  const bundle = path.join(root, 'dist', 'gofer.js');
  const useBundle = isCurrent(bundle);
  if (useBundle && moduleApi.enableCompileCache) moduleApi.enableCompileCache(path.join(root, 'dist', '.compile-cache'));
  void import(url.pathToFileURL(useBundle ? bundle : path.join(root, 'cli', 'src', 'main.ts')).href);
} else {
  runAgain(broughtNode());
}

function isCurrent(bundle) {
  if (!fs.existsSync(bundle)) return false;
  if (!fs.existsSync(path.join(root, 'cli', 'src', 'main.ts'))) return true;
  let sources;
  try {
    sources = JSON.parse(fs.readFileSync(path.join(root, 'dist', 'sources.json'), 'utf8'));
  } catch {
    return false; // Without its list a bundle cannot be told from a stale one.
  }
  for (const file of Object.keys(sources)) {
    const found = fs.statSync(path.join(root, file), { throwIfNoEntry: false });
    if (!found || found.size !== sources[file][0] || found.mtimeMs !== sources[file][1]) return false;
  }
  return true;
}

/** The Node that npm installed beside this package, wherever npm put it. */
function broughtNode() {
  for (let folder = root; ; folder = path.dirname(folder)) {
    for (const name of ['node/bin/node', 'node/bin/node.exe', '.bin/node']) {
      const candidate = path.join(folder, 'node_modules', name);
      if (fs.existsSync(candidate)) return candidate;
    }
    if (folder === path.dirname(folder)) return undefined;
  }
}

function runAgain(node) {
  if (node === undefined || process.env.GOFER_LAUNCHER_NODE === node) {
    process.stderr.write(
      'x gofer needs Node ' +
        REQUIRED_MAJOR +
        ' or newer and this is ' +
        process.version +
        ': install it from https://nodejs.org/en/download\n',
    );
    process.exitCode = 78;
    return;
  }
  // The guard stops a brought Node that is itself too old from starting itself for ever.
  const environment = Object.assign({}, process.env, { GOFER_LAUNCHER_NODE: node });
  const child = childProcess.spawn(node, [url.fileURLToPath(import.meta.url)].concat(argv), { stdio: 'inherit', env: environment });
  const pass = (signal) => child.kill(signal);
  const signals = ['SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  // The terminal sends Ctrl-C to both; this one only has to outlive the other.
  process.on('SIGINT', () => undefined);
  child.on('error', (error) => {
    process.stderr.write('x ' + node + ' cannot be started: ' + error.message + '\n');
    process.exitCode = 78;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code;
    else {
      for (const each of signals) process.removeListener(each, pass);
      process.removeAllListeners('SIGINT');
      process.kill(process.pid, signal);
    }
  });
}
