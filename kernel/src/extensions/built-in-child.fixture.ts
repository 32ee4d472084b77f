/**
 * A child process as `BuiltInHost` starts it, without the SDK: its argument says how it behaves. Everything ends when standard input does, but
 * for what is meant not to.
 */
import { closeSync, writeSync } from 'node:fs';

const [behaviour = ''] = process.argv.slice(2);
const announceFd = Number(process.env['GOFER_EXTENSION_SYSTEM_ANNOUNCE_FD']);
const announce = (line: string): void => {
  writeSync(announceFd, line);
  closeSync(announceFd);
};
const url = 'http://127.0.0.1:4321';

process.stdin.once('end', () => process.exit(0)).resume();

switch (behaviour) {
  case 'runs':
    announce(`${JSON.stringify({ url })}\n`);
    process.stdout.write(`${JSON.stringify(process.env)}\n`);
    process.stderr.write('a warning\n');
    break;
  case 'fails':
    process.stderr.write('it has no key\n');
    process.exitCode = 7;
    process.stdin.destroy();
    break;
  case 'says nonsense':
    announce('hello\n');
    break;
  case 'names another machine':
    announce('{"url":"http://192.0.2.7:80"}\n');
    break;
  case 'never ends its line':
    announce('x'.repeat(5000));
    break;
  case 'ignores SIGTERM':
    process.on('SIGTERM', () => {});
    announce(`${JSON.stringify({ url })}\n`);
    break;
  case 'floods':
    announce(`${JSON.stringify({ url })}\n`);
    for (let line = 0; line < 64; line += 1) process.stdout.write(`${String(line).padStart(6, '0')}${'x'.repeat(65_529)}\n`);
    // It ends once all of that is written.
    process.stdin.destroy();
    break;
  default:
  // Says nothing.
}
