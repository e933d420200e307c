import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createDiskSpace } from '../../adapters/disk-space/disk-space.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { createLedgerProof } from '../../adapters/ledger-proof/ledger-proof.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { createSandbox } from '../../adapters/sandbox/create-sandbox.ts';
import { createScratch } from '../../adapters/scratch/claimed-scratch.ts';
import { createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import { createTemporalWorkflowClient } from '../../adapters/workflow-client/temporal-workflow-client.ts';
import { accessTable } from '../../api/access/access-table.ts';
import { withResolvedReferences } from '../../api/openapi/openapi-references.ts';
import { buildApi } from '../../api/build-api.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import { code, generatedNote, page, markdownTable } from './markdown.ts';

const Operation = z.looseObject({ summary: z.string(), tags: z.array(z.string()) });
const Document = z.looseObject({ paths: z.record(z.string(), z.record(z.string(), Operation)) });

/**
 * Returns the document that `/openapi.json` serves. The server is built but never listens, and none of its dependencies
 * is called.
 */
export async function openApiDocument(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-docs-'));
  const clock = createSystemClock();
  const ids = createIdMaker();
  const logger = createLogger({ name: 'docs', level: 'silent' });
  const repositories = createPostgresRepositories({ url: 'postgres://nobody@127.0.0.1:1/none', clock, ids, logger });
  const sandbox = createSandbox({
    mode: 'preferred',
    path: '',
    allow: [],
    folder: join(folder, 'sandbox'),
    scratchFolder: folder,
  });
  const tableEngine = createDuckDbTableEngine({ sandbox, scratchFolder: join(folder, 'tables') });
  const workflowClient = createTemporalWorkflowClient({ address: '127.0.0.1:1', namespace: 'none', logger });
  const objectStore = createDiskObjectStore(join(folder, 'objects'));
  const api = await buildApi({
    repositories,
    objectStore,
    scratch: createScratch(folder, () => undefined),
    diskSpace: createDiskSpace(folder),
    ledgerProof: createLedgerProof({ ledger: repositories.ledger, objectStore, clock, secret: 'of the docs' }),
    tableEngine,
    workflowClient,
    clock,
    ids,
    logger,
    addresses: {},
    scratchFolder: folder,
    dispatchEveryMs: 3_600_000,
  });
  try {
    await api.ready();
    return withResolvedReferences(api.swagger());
  } finally {
    await api.close();
    await Promise.all([repositories.close(), tableEngine.close(), workflowClient.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns who may call the route, from the table by which the API itself decides. */
function wantedBy(route: string): string {
  const access = accessTable[route.replaceAll(/\{(\w+)\}/g, ':$1')];
  if (access === undefined) throw new Error(`api/access/access-table.ts does not list ${route}`);
  return 'on' in access ? `${code(access.to)}, ${access.on}` : access.to;
}

const places =
  'The last column states the role that an API key needs, and what the role must be granted on: `everything`; the `project`, `model` or `environment` that the request names; the `scope`, which is a model in an environment; the `run`, `approval` or `rehearsal` that the path names; or `somewhere` in the project, in which case a list shows only what the key’s grants cover. Each role includes the rights of the roles before it: `viewer`, `operator`, `approver`, `admin`. A vote also requires a role that the approval policy names.';

export function restPage(document: object): string {
  const { paths } = Document.parse(document);
  const byTag = new Map<string, string[][]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { tags, summary }] of Object.entries(methods)) {
      const [tag = 'other'] = tags;
      const route = `${method.toUpperCase()} ${path}`;
      byTag.set(tag, [...(byTag.get(tag) ?? []), [code(route), summary, wantedBy(route)]]);
    }
  }
  return page(
    '# REST',
    generatedNote('api/'),
    'The API speaks JSON over HTTP on its own port. [openapi.json](openapi.json) describes all of it, with every request and response body; a running API serves this document at `/openapi.json`, and a page to read it at `/docs`. Every route except health requires an API key: `Authorization: Bearer KEY`. [Errors](errors.md) are problem documents. Models are served on another port, the gateway’s, with the Open Inference Protocol.',
    places,
    ...[...byTag].map(([tag, rows]) => page(`## ${tag}`, markdownTable(['route', 'does', 'role'], rows)).trimEnd()),
  );
}
