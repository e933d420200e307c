import { readFileSync } from 'node:fs';
import fastify from 'fastify';

// The floor of the serving measures: Fastify parses the body of a request as JSON and answers `POST /answers/N` with the
// Nth answer of the file, written as JSON again for each request. It has no model, no keys, no log and no metrics.
// Run as `node floor-server.ts FILE`.

const answers: unknown = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
if (!Array.isArray(answers)) throw new Error('the file must hold a list of answers');

// The same options as the gateway's server.
const app = fastify({ logger: false, bodyLimit: 64 * 1024 * 1024, routerOptions: { maxParamLength: 200 } });
for (const [number, answer] of answers.entries()) app.post(`/answers/${number}`, async () => answer);
const address = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`the floor listens at ${address}\n`);
process.on('SIGTERM', () => process.exit(0));
