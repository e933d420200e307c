import { sql } from './connection/orm.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import { connect, query } from './connection/connect.ts';
import { createApprovalRepository } from './approvals/approval-repository.ts';
import { createBlobRepository } from './blobs/blob-repository.ts';
import { createCollectionRepository } from './collections/collection-repository.ts';
import { createCodeRepository } from './code/code-repository.ts';
import { createConnectionRepository } from './connections/connection-repository.ts';
import { createDatasetRepository } from './datasets/dataset-repository.ts';
import { createDeploymentRepository } from './deployments/deployment-repository.ts';
import { createEnvironmentRepository } from './environments/environment-repository.ts';
import { createEvaluationRepository } from './versions/evaluation-repository.ts';
import { createLedgerRepository } from './ledger/ledger-repository.ts';
import { createLifecycleRepository } from './lifecycle/lifecycle-repository.ts';
import { createModelRepository } from './models/model-repository.ts';
import { createMonitoringRepository } from './monitoring/monitoring-repository.ts';
import { createPrincipalRepository } from './principals/principal-repository.ts';
import { createReferenceRepository } from './collections/reference-repository.ts';
import { createRehearsalRepository } from './rehearsals/rehearsal-repository.ts';
import { createRunRepository } from './runs/run-repository.ts';
import { createScheduleRepository } from './schedules/schedule-repository.ts';
import { createVersionRepository } from './versions/version-repository.ts';
import { createWorkerRepository } from './workers/worker-repository.ts';

/** Creates all repositories over one connection pool to a migrated database (`migrate`). `close` ends the pool. */
export function createPostgresRepositories(parts: {
  readonly url: string;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger?: Logger;
  /** Secret that encrypts named connections. Without it they can be neither stored nor opened. */
  readonly secret?: string;
}): Repositories {
  const db = connect(parts.url, parts.logger);
  const context = { db, clock: parts.clock, ids: parts.ids };
  let closed: Promise<void> | undefined;
  return {
    models: createModelRepository(context),
    environments: createEnvironmentRepository(context),
    principals: createPrincipalRepository(context),
    blobs: createBlobRepository(context),
    collections: createCollectionRepository(context),
    datasets: createDatasetRepository(context),
    code: createCodeRepository(context),
    versions: createVersionRepository(context),
    evaluations: createEvaluationRepository(context),
    deployments: createDeploymentRepository(context),
    approvals: createApprovalRepository(context),
    monitoring: createMonitoringRepository(context),
    lifecycle: createLifecycleRepository(context),
    runs: createRunRepository(context),
    rehearsals: createRehearsalRepository(context),
    schedules: createScheduleRepository(context),
    connections: createConnectionRepository(context, parts.secret),
    references: createReferenceRepository(context),
    ledger: createLedgerRepository(context),
    workers: createWorkerRepository(context),
    check: () => query(db, async () => void (await db.execute(sql`select 1`))),
    close: () => (closed ??= db.$client.end()),
  };
}
