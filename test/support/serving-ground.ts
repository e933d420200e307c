import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { createModelFormats } from '../../adapters/model-formats/model-formats.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { Grant } from '../../contracts/access/principal.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { connect } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { GatewayParts, RunningGateway } from '../../gateway/start-gateway.ts';
import { startGateway } from '../../gateway/start-gateway.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import { linearModel } from './onnx-models.ts';
import type { TestDatabase } from './postgres-of-tests.ts';
import { createTestDatabase } from './postgres-of-tests.ts';
import { beginRun, seedVersion } from './seed-candidate.ts';
import { sandboxIn } from './lay-sandbox.ts';
import { seedGeneration } from './seed-generation.ts';

export const features = ['temp', 'hum'] as const;

/** The signature of `linearModel` over `features`. */
export const matrixSignature: Signature = {
  schemaVersion: 1,
  layout: 'matrix',
  inputName: 'x',
  inputs: features.map((name) => ({ name, type: 'FP32' })),
  output: { name: 'y', type: 'FP32' },
};

export interface Deployed {
  readonly release: Release;
  readonly version: number;
  readonly generation: number;
}

/** A database, an object store and a folder that hold only the model `bike` in production and its principals. */
export interface ServingGround {
  readonly database: TestDatabase;
  readonly repositories: Repositories;
  readonly objectStore: ObjectStore;
  /** The value of PERENNIAL_HOME for a gateway. */
  readonly home: string;
  readonly scope: Scope;
  readonly operator: Id;
  /** The operator's key, granted on everything. */
  readonly key: string;
  addKey(name: string, grants: readonly Grant[]): Promise<string>;
  /** Creates an environment of the model with a virtual clock. */
  rehearsal(name: string): Promise<Scope>;
  /**
   * Deploys a model that predicts `bias + temp + hum` in a new generation; a weight below 100 deploys it as a canary.
   */
  deploy(given: { readonly bias: number; readonly weight?: number; readonly scope?: Scope }): Promise<Deployed>;
  deployModel(bytes: Uint8Array, signature: Signature, weight?: number, scope?: Scope): Promise<Deployed>;
  stop(): Promise<void>;
}

export async function layServingGround({
  data,
  ...options
}: Pick<Partial<ConfigurationInput>, 'deploy' | 'serve'> & {
  readonly data?: Partial<ConfigurationInput['data']>;
} = {}): Promise<ServingGround> {
  const home = await mkdtemp(join(tmpdir(), 'perennial-serving-'));
  const database = await createTestDatabase();
  const repositories = createPostgresRepositories({
    url: database.url,
    clock: createSystemClock(),
    ids: createIdMaker(),
  });
  const objectStore = createDiskObjectStore(join(home, 'objects'));
  const addKey = async (name: string, grants: readonly Grant[]): Promise<string> => {
    const principal = await repositories.principals.ensure(name, 'person', grants, null);
    const key = `key-of-${name}-0123456789abcdef0123456789`;
    await repositories.principals.addKey(principal.id, sha256OfBytes(key), 'test', null);
    return key;
  };
  const key = await addKey('operator', [{ role: 'operator' }]);
  const { id: operator } = await repositories.principals.ensure('operator', 'person', [], null);
  const configuration = Configuration.parse({
    schemaVersion: 1,
    name: 'bike',
    task: 'regression',
    owner: 'demand-team',
    data: { source: { path: 'hour.csv' }, key: 'id', target: 'cnt', features: [...features], ...data },
    code: { path: 'train', command: ['python', 'train.py'] },
    build: { holdout: { last: '14 days' } },
    ...options,
  });
  const { scope } = await repositories.models.apply('default', 'production', configuration, operator);
  const context: RepositoryContext = { db: connect(database.url), clock: createSystemClock(), ids: createIdMaker() };
  const ground = { repositories, objectStore, operator, context };
  return {
    repositories,
    objectStore,
    operator,
    database,
    home,
    scope,
    key,
    addKey,
    async rehearsal(name) {
      await repositories.environments.makeVirtual('default', name, '2012-01-01T00:00:00.000Z', operator);
      return (await repositories.models.apply('default', name, configuration, operator)).scope;
    },
    deploy: ({ bias, weight, scope: where = scope }) =>
      raise(ground, where, linearModel({ features, weights: [1, 1], bias }), matrixSignature, weight),
    deployModel: (bytes, signature, weight, where = scope) => raise(ground, where, bytes, signature, weight),
    async stop() {
      await repositories.close();
      await context.db.$client.end();
      await database.drop();
      await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

async function raise(
  {
    repositories,
    objectStore,
    operator,
    context,
  }: Pick<ServingGround, 'repositories' | 'objectStore' | 'operator'> & { readonly context: RepositoryContext },
  scope: Scope,
  bytes: Uint8Array,
  signature: Signature,
  weight = 100,
): Promise<Deployed> {
  const { sha256: artifact } = await objectStore.putBytes(bytes);
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { version, evaluation } = await seedVersion(repositories, scope, operator, { seed, artifact, signature });
  const runId = await beginRun(
    repositories,
    scope,
    { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false },
    operator,
  );
  const { deployments } = repositories;
  const release = await deployments.makeRelease(scope, evaluation.id, { runId, by: operator });
  const { generation } = await seedGeneration(context, scope, { releaseId: release.id, weight, runId, by: operator });
  return { release, version: version.number, generation };
}

export interface TestGateway {
  readonly gateway: RunningGateway;
  /** Sends a request with the operator's key, or with `key` if given; null sends no key. */
  ask(request: string, body?: unknown, given?: AskedModel): Promise<ServedAnswer>;
  close(): Promise<void>;
}

export interface AskedModel {
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

export interface ServedAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  readonly body: any;
}

/** Starts a gateway in this process, on a free port, and waits until it has read what is deployed. */
export async function startTestGateway(ground: ServingGround, given: Partial<GatewayParts> = {}): Promise<TestGateway> {
  const sandbox = sandboxIn(join(ground.home, 'sandbox'));
  const tableEngine = createDuckDbTableEngine({ sandbox, scratchFolder: join(ground.home, 'gateway', 'scratch') });
  const gateway = await startGateway({
    folder: join(ground.home, 'gateway'),
    listen: { host: '127.0.0.1', port: 0 },
    address: undefined,
    repositories: ground.repositories,
    objectStore: ground.objectStore,
    modelFormats: createModelFormats({ sandbox, scratchFolder: join(ground.home, 'models') }),
    tableEngine,
    clock: createSystemClock(),
    ids: createIdMaker(),
    logger: createLogger({ name: 'gateway', level: 'silent' }),
    steadyNow: () => performance.now(),
    random: Math.random,
    ...given,
  });
  const { address } = gateway;
  await untilReady(address);
  return {
    gateway,
    ask: (request, body, asked) => ask(address, ground.key, request, body, asked),
    async close() {
      await gateway.close();
      await tableEngine.close();
    },
  };
}

/** Waits until every deployed release serves or is known to be unloadable. */
export async function untilReady(address: string): Promise<void> {
  await vi.waitFor(async () => expect((await fetch(`${address}/v2/health/ready`)).status).toBe(200), {
    timeout: 20_000,
  });
}

export async function ask(
  address: string,
  operatorKey: string,
  request: string,
  body?: unknown,
  { key = operatorKey, headers = {} }: AskedModel = {},
): Promise<ServedAnswer> {
  const [method = 'GET', path = '/'] = request.split(' ');
  const answer = await fetch(`${address}${path}`, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const json = answer.headers.get('content-type')?.includes('json') === true;
  return { status: answer.status, headers: answer.headers, body: json ? await answer.json() : await answer.text() };
}

/** Returns an Open Inference request body with one tensor per feature. */
export function inferBody(rows: readonly (readonly number[])[], parameters: Record<string, unknown> = {}): object {
  return {
    parameters,
    inputs: features.map((name, at) => ({
      name,
      datatype: 'FP64',
      shape: [rows.length],
      data: rows.map((row) => row[at]),
    })),
  };
}
