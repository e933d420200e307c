import type { ApprovalRepository } from './approval-repository.ts';
import type { BlobRepository } from './blob-repository.ts';
import type { CollectionRepository } from './collection-repository.ts';
import type { CodeRepository } from './code-repository.ts';
import type { ConnectionRepository } from './connection-repository.ts';
import type { DatasetRepository } from './dataset-repository.ts';
import type { DeploymentRepository } from './deployment-repository.ts';
import type { EnvironmentRepository } from './environment-repository.ts';
import type { EvaluationRepository } from './evaluation-repository.ts';
import type { LedgerRepository } from './ledger-repository.ts';
import type { LifecycleRepository } from './lifecycle-repository.ts';
import type { ModelRepository } from './model-repository.ts';
import type { MonitoringRepository } from './monitoring-repository.ts';
import type { PrincipalRepository } from './principal-repository.ts';
import type { ReferenceRepository } from './reference-repository.ts';
import type { RehearsalRepository } from './rehearsal-repository.ts';
import type { RunRepository } from './run-repository.ts';
import type { ScheduleRepository } from './schedule-repository.ts';
import type { VersionRepository } from './version-repository.ts';
import type { WorkerRepository } from './worker-repository.ts';

/**
 * The database. Every method is one transaction. Every write names a principal, writes the ledger in the same
 * transaction if it is a decision, and may run twice: the second call changes nothing and returns the same result.
 * Methods throw `database-unavailable` if the database cannot be reached and `not-found` if a named row does not exist.
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
