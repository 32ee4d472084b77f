// `npm run demo`: installs what is missing, then runs the demo with the Node that the package brings. Plain JavaScript, since it starts
// under whatever Node the machine has.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = join(root, 'node_modules', 'node', 'bin', 'node');

if (!existsSync(node)) {
  console.log('Installing what is missing (npm ci) …');
  const installed = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
const demo = spawnSync(node, [join(root, 'examples', 'demo', 'demo.ts')], { cwd: root, stdio: 'inherit' });
process.exit(demo.status ?? 1);
