import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createDiskSpace } from '../../adapters/disk-space/disk-space.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { createLedgerProof } from '../../adapters/ledger-proof/ledger-proof.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import type { ClosableTableEngine } from '../../adapters/table-engine/duckdb.ts';
import { createScratch } from '../../adapters/scratch/claimed-scratch.ts';
import { createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import type { Api } from '../../api/route-context.ts';
import type { ApiDependencies } from '../../api/api-dependencies.ts';
import { buildApi } from '../../api/build-api.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Grant, Role } from '../../contracts/access/principal.ts';
import { roles } from '../../contracts/access/principal.ts';
import { connect } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { LedgerProof } from '../../ports/ledger-proof.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import { identityOf } from '../../stack/processes/process-identity.ts';
import { checkAnswer } from './checked-answers.ts';
import type { TestDatabase } from './postgres-of-tests.ts';
import { createTestDatabase } from './postgres-of-tests.ts';
import type { RecordingWorkflowClient } from './recording-workflow-client.ts';
import { createRecordingWorkflowClient } from './recording-workflow-client.ts';
import { sandboxIn } from './lay-sandbox.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  /** The body, parsed. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  readonly body: any;
}

export interface TestApi {
  readonly api: Api;
  readonly database: TestDatabase;
  readonly repositories: Repositories;
  /** For tests that write rows directly, without a repository. */
  readonly context: RepositoryContext;
  readonly objectStore: ObjectStore;
  readonly ledgerProof: LedgerProof;
  readonly tableEngine: ClosableTableEngine;
  readonly temporal: RecordingWorkflowClient;
  readonly ids: IdMaker;
  readonly folder: string;
  /** One principal per role, each with a key that is granted on everything. */
  readonly principals: Readonly<Record<Role, Id>>;
  readonly keys: Readonly<Record<Role, string>>;
  /** Sends a request as a role or with a given key; null sends no key. */
  send(
    who: Role | { readonly key: string } | null,
    request: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
  addKey(name: string, grants: readonly Grant[]): Promise<{ readonly id: Id; readonly key: string }>;
  stop(): Promise<void>;
}

const secret = 'a-secret-of-the-tests-0123456789abcdef';

/** Starts the API on a real database and object store, with a recording client in place of Temporal. */
export async function startTestApi(
  options: Pick<ApiDependencies, 'dispatchEveryMs' | 'uploads'> = {},
): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-api-'));
  const database = await createTestDatabase();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const clock = createSystemClock();
  const ids = createIdMaker();
  const repositories = createPostgresRepositories({
    url: database.url,
    clock,
    ids,
    logger,
    secret,
  });
  const context: RepositoryContext = { db: connect(database.url), clock, ids };
  const objectStore = createDiskObjectStore(join(folder, 'objects'));
  const tableEngine = createDuckDbTableEngine({
    sandbox: sandboxIn(join(folder, 'sandbox')),
    scratchFolder: join(folder, 'tables'),
  });
  const ledgerProof = createLedgerProof({ ledger: repositories.ledger, objectStore, clock, secret });
  const temporal = createRecordingWorkflowClient();
  const api = await buildApi({
    repositories,
    objectStore,
    ledgerProof,
    scratch: createScratch(folder, identityOf),
    diskSpace: createDiskSpace(folder),
    tableEngine,
    workflowClient: temporal,
    clock,
    ids,
    logger,
    addresses: {},
    scratchFolder: folder,
    ...options,
    dispatchEveryMs: options.dispatchEveryMs ?? 60_000,
  });
  await api.ready();

  async function addKey(name: string, grants: readonly Grant[]) {
    const principal = await repositories.principals.ensure(name, 'person', grants, null);
    const key = `key-of-${name}-0123456789abcdef0123456789`;
    await repositories.principals.addKey(principal.id, sha256OfBytes(key), 'test', null);
    return { id: principal.id, key };
  }
  const people = Object.fromEntries(
    await Promise.all(roles.map(async (role) => [role, await addKey(role, [{ role }])] as const)),
  ) as Record<Role, { id: Id; key: string }>;
  const keys = Object.fromEntries(roles.map((role) => [role, people[role].key])) as Record<Role, string>;

  return {
    api,
    database,
    repositories,
    context,
    objectStore,
    ledgerProof,
    tableEngine,
    temporal,
    ids,
    folder,
    keys,
    principals: Object.fromEntries(roles.map((role) => [role, people[role].id])) as Record<Role, Id>,
    addKey,
    async send(who, request, body, headers = {}) {
      const [method = 'GET', url = '/'] = request.split(' ');
      const key = who === null ? undefined : typeof who === 'string' ? keys[who] : who.key;
      const answer = await api.inject({
        method: method as 'GET',
        url,
        headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
        ...(body === undefined ? {} : { payload: body as string | Buffer | object }),
      });
      const contentType = answer.headers['content-type'] ?? '';
      const json = contentType.includes('json');
      checkAnswer({ method, path: url, status: answer.statusCode, contentType, text: answer.body });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        body: json ? answer.json<unknown>() : undefined,
      };
    },
    async stop() {
      await api.close();
      await tableEngine.close();
      await repositories.close();
      await context.db.$client.end();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const bikeInput = {
  schemaVersion: 1,
  name: 'bike',
  task: 'regression',
  owner: 'demand-team',
  data: {
    source: { path: 'hour.csv' },
    timestamp: 'at',
    timezone: 'America/New_York',
    key: 'id',
    target: 'cnt',
    features: ['temp'],
    window: '6 months',
  },
  code: { path: 'train', command: ['python', 'train.py'], environment: 'requirements.lock' },
  build: { holdout: { last: '14 days' } },
} as const satisfies ConfigurationInput;

/** Applies a model to an environment as the operator. */
export async function applyBike(test: TestApi, environment = 'production'): Promise<Scope> {
  const { scope } = await test.repositories.models.apply(
    'default',
    environment,
    Configuration.parse(bikeInput),
    test.principals.operator,
  );
  return scope;
}
