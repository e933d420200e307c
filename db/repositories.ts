import { sql } from './orm.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import { connect, query } from './connection.ts';
import { createApprovalRepository } from './repositories/approvals.ts';
import { createBlobRepository } from './repositories/blobs.ts';
import { createCollectionRepository } from './repositories/collections.ts';
import { createCodeRepository } from './repositories/code.ts';
import { createConnectionRepository } from './repositories/connections.ts';
import { createDatasetRepository } from './repositories/datasets.ts';
import { createDeploymentRepository } from './repositories/deployments.ts';
import { createEnvironmentRepository } from './repositories/environments.ts';
import { createEvaluationRepository } from './repositories/evaluations.ts';
import { createLedgerRepository } from './repositories/ledger.ts';
import { createLifecycleRepository } from './repositories/lifecycle.ts';
import { createModelRepository } from './repositories/models.ts';
import { createMonitoringRepository } from './repositories/monitoring.ts';
import { createPrincipalRepository } from './repositories/principals.ts';
import { createReferenceRepository } from './repositories/references.ts';
import { createRehearsalRepository } from './repositories/rehearsals.ts';
import { createRunRepository } from './repositories/runs.ts';
import { createScheduleRepository } from './repositories/schedules.ts';
import { createVersionRepository } from './repositories/versions.ts';
import { createWorkerRepository } from './repositories/workers.ts';

/** Every repository over one pool of connections to a migrated database (`migrate`); `close` ends the pool. */
export function createPostgresRepositories(parts: {
  readonly url: string;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger?: Logger;
  /** What named connections are sealed with; without it they are neither stored nor opened. */
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
