import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from '../running/bench-context.ts';
import type { Contestant } from '../running/compare-in-rounds.ts';
import type { LoadReport, LoadRequest } from '../load/load-generator.ts';
import { startUntilSaid } from '../running/start-program.ts';
import type { InferenceRequest } from './inference-requests.ts';
import { cpuSeconds } from '../running/cpu-seconds.ts';

const connections = 32;

/** A server that is put under load. `path` and `headers` replace those of the request. */
export interface LoadedServer {
  readonly name: string;
  readonly address: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The process whose CPU time is measured beside the rate, because it varies less on a machine that is busy. */
  readonly pid?: number | undefined;
}

/** Returns a contestant that answers the request as often as it can. The unit is rows per second. */
export async function underLoad(
  bench: BenchContext,
  server: LoadedServer,
  request: InferenceRequest,
): Promise<Contestant> {
  const load = await loadOf(bench, server, request);
  return {
    name: server.name,
    async once() {
      const before = cpuSeconds(server.pid);
      const { requests, requestsPerSecond, p50Ms, p99Ms } = await sent(bench, server, load);
      const used = cpuSeconds(server.pid);
      const sample = { value: requestsPerSecond * request.rows, p50Ms, p99Ms };
      return before === undefined || used === undefined
        ? sample
        : { ...sample, cpuUs: ((used - before) * 1e6) / requests };
    },
  };
}

/** Sends the request for one round and returns the report. */
export async function loadOnce(
  bench: BenchContext,
  server: LoadedServer,
  request: InferenceRequest,
): Promise<LoadReport> {
  return sent(bench, server, await loadOf(bench, server, request));
}

async function sent(bench: BenchContext, server: LoadedServer, load: LoadRequest): Promise<LoadReport> {
  const report = await bench.load.send(load, bench.signal);
  if (report.failed > 0) throw new Error(`${server.name} failed ${report.failed} requests to ${load.url}`);
  return report;
}

async function loadOf(bench: BenchContext, server: LoadedServer, request: InferenceRequest): Promise<LoadRequest> {
  const bodyFile = join(bench.scratch, `body-${randomUUID()}`);
  await writeFile(bodyFile, request.body);
  return {
    url: `${server.address}${server.path ?? request.path}`,
    headers: { 'content-type': request.contentType, ...request.headers, ...server.headers },
    bodyFile,
    connections,
    seconds: bench.seconds,
  };
}

/** Sends the request once and returns the answer. Throws if the status is not a success. */
export async function askOnce(server: LoadedServer, request: InferenceRequest): Promise<Uint8Array> {
  const url = `${server.address}${server.path ?? request.path}`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': request.contentType, ...request.headers, ...server.headers },
    body: Buffer.from(request.body),
  });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(`${server.name} answered ${answer.status}: ${Buffer.from(bytes).toString()}`);
  return bytes;
}

/** Starts the floor: a Fastify that gives each of the answers at `/answers/N`. */
export async function startFloor(bench: BenchContext, answers: readonly unknown[]): Promise<string> {
  const file = join(bench.scratch, `answers-${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(answers));
  const program = join(import.meta.dirname, '..', 'floor', 'floor-server.ts');
  const started = await startUntilSaid(bench, process.execPath, [program, file], {}, /listens at (\S+)/);
  return started.match[1] ?? '';
}

/** Starts the bare server, on which the load generator shows its own maximum. */
export async function startBareServer(bench: BenchContext, request: InferenceRequest): Promise<string> {
  const program = join(import.meta.dirname, '..', 'floor', 'bare-server.ts');
  const args = [program, String(request.body.length)];
  return (await startUntilSaid(bench, process.execPath, args, {}, /listens at (\S+)/)).match[1] ?? '';
}
