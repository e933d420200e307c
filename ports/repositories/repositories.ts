import type { ApprovalRepository } from './approvals.ts';
import type { BlobRepository } from './blobs.ts';
import type { CollectionRepository } from './collections.ts';
import type { CodeRepository } from './code.ts';
import type { ConnectionRepository } from './connections.ts';
import type { DatasetRepository } from './datasets.ts';
import type { DeploymentRepository } from './deployments.ts';
import type { EnvironmentRepository } from './environments.ts';
import type { EvaluationRepository } from './evaluations.ts';
import type { LedgerRepository } from './ledger.ts';
import type { LifecycleRepository } from './lifecycle.ts';
import type { ModelRepository } from './models.ts';
import type { MonitoringRepository } from './monitoring.ts';
import type { PrincipalRepository } from './principals.ts';
import type { ReferenceRepository } from './references.ts';
import type { RehearsalRepository } from './rehearsals.ts';
import type { RunRepository } from './runs.ts';
import type { ScheduleRepository } from './schedules.ts';
import type { VersionRepository } from './versions.ts';
import type { WorkerRepository } from './workers.ts';

/**
 * The database. Every method is one transaction; every write names a principal, writes the ledger in the same
 * transaction where the noun is a decision, and may run twice: the second time changes nothing and answers the same.
 * An unreachable database is `database-unavailable`; an absent row that was named is `not-found`.
 */
export interface Repositories {
  readonly models: ModelRepository;
  readonly environments: EnvironmentRepository;
  readonly principals: PrincipalRepository;
  readonly blobs: BlobRepository;
  readonly collections: CollectionRepository;
  readonly datasets: DatasetRepository;
  readonly code: CodeRepository;
  readonly versions: VersionRepository;
  readonly evaluations: EvaluationRepository;
  readonly deployments: DeploymentRepository;
  readonly approvals: ApprovalRepository;
  readonly monitoring: MonitoringRepository;
  readonly lifecycle: LifecycleRepository;
  readonly runs: RunRepository;
  readonly rehearsals: RehearsalRepository;
  readonly schedules: ScheduleRepository;
  readonly connections: ConnectionRepository;
  readonly references: ReferenceRepository;
  readonly ledger: LedgerRepository;
  readonly workers: WorkerRepository;
  check(): Promise<void>;
  close(): Promise<void>;
}
