#!/usr/bin/env node
// Runs on any installed Node and starts the pinned Node.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
if (!existsSync(pinned)) {
  process.stderr.write('perennial: the checkout is not set up yet; run npm run setup first\n');
  process.exit(1);
}
const main = fileURLToPath(new URL('./main.ts', import.meta.url));
// Node's compile cache saves about half of the start-up time.
const compiled = fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url));
const child = spawn(pinned, [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compiled, ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
