import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { RunKind, RunRequest } from '../../contracts/runs/run.ts';
import { transact } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { insertRun } from '../../db/runs/insert-run.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';

const someId = '00000000-0000-7000-8000-000000000000';
const schemaVersion = 1;

export const requests = {
  data: { kind: 'data', schemaVersion, files: [{ name: 'a.csv', sha256: sha256OfBytes('a'), format: 'csv' }] },
  code: {
    kind: 'code',
    schemaVersion,
    archive: sha256OfBytes('archive'),
    command: ['python', 'train.py'],
    environmentPath: null,
    network: false,
    validation: false,
  },
  build: { kind: 'build', schemaVersion, asOf: '2012-01-01T00:00:00.000Z', automated: false },
  deploy: { kind: 'deploy', schemaVersion, evaluationId: someId, automated: false },
  rollback: { kind: 'rollback', schemaVersion, reason: 'it is wrong' },
  monitor: { kind: 'monitor', schemaVersion, asOf: '2012-01-01T00:00:00.000Z' },
  rehearsal: { kind: 'rehearsal', schemaVersion, rehearsalId: someId },
} satisfies { readonly [Kind in RunKind]?: Extract<RunRequest, { kind: Kind }> };

const byKind: { readonly [Kind in RunKind]?: RunRequest } = requests;

/** Inserts a run of this kind and begins it, for tests of what the run commits. No lifecycle command precedes it. */
export async function beginRunOf(
  kind: RunKind,
  { context, scope, by }: { readonly context: RepositoryContext; readonly scope: Scope; readonly by: Id },
): Promise<Id> {
  const id = context.ids.next();
  const request = byKind[kind];
  if (request === undefined) throw new Error(`no request of a ${kind} run is known here; add one`);
  const run = { id, request, because: 'manual', effectiveAt: context.clock.now(), by };
  await transact(context.db, (tx) => insertRun(tx, scope, run));
  await createRunRepository(context).begin(id);
  return id;
}
