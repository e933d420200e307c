// Runs in a sandbox that has no network: `relay.ts PORT SOCKET COMMAND…` listens on 127.0.0.1:PORT, forwards each
// connection to the socket, and runs the command. A proxy of the platform therefore has the same address inside and
// outside the sandbox.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { constants } from 'node:os';

const [port = '', socket = '', file = '', ...args] = process.argv.slice(2);

const server = createServer((inside) => {
  const outside = createConnection(socket);
  for (const [from, to] of [
    [inside, outside],
    [outside, inside],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
});
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');

const child = spawn(file, args, { stdio: 'inherit' });
child.once('error', (error) => {
  process.stderr.write(`${file}: ${error.message}\n`);
  process.exit(127);
});
child.once('exit', (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
