import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { DockerAnswer } from './stand-in-docker.ts';

// The program `docker` on the PATH of a test. It sends its command to the stand-in and acts on the response.

const [socketPath, ...words] = process.argv.slice(2);
const asking = request({ socketPath, method: 'POST', path: '/' });
asking.end(JSON.stringify({ words, folder: process.cwd(), env: process.env }));
const [response] = (await once(asking, 'response')) as [IncomingMessage];
const { code, stdout, stderr, run } = (await json(response)) as DockerAnswer;
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
if (run !== undefined) {
  const [file = '', ...args] = run.command;
  process.exitCode = spawnSync(file, args, { env: run.env, stdio: 'inherit' }).status ?? 1;
}
