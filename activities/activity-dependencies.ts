import type { Isolation } from '../contracts/runs/isolation.ts';
import type { Clock } from '../ports/clock.ts';
import type { Computing } from '../ports/computing.ts';
import type { CodeArchive } from '../ports/code-archive.ts';
import type { CodeSource } from '../ports/code-source.ts';
import type { CommitStatuses } from '../ports/commit-status.ts';
import type { DataSource } from '../ports/data-source.ts';
import type { Environments } from '../ports/environments.ts';
import type { Gateways } from '../ports/gateways.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { LedgerProof } from '../ports/ledger-proof.ts';
import type { Logger } from '../ports/logger.ts';
import type { ModelFormats } from '../ports/model-format.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { BlobReader, ObjectStore } from '../ports/object-store.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import type { TableEngine } from '../ports/table-engine.ts';
import type { Trainer } from '../ports/trainer.ts';
import type { WorkflowClient } from '../ports/workflow-client.ts';

/** What activities act through; made once by the worker's main. Most activities only read stored bytes. */
export interface ActivityDependencies {
  readonly repositories: Repositories;
  readonly objectStore: BlobReader;
  readonly ledgerProof: LedgerProof;
  readonly tableEngine: TableEngine;
  readonly modelFormats: ModelFormats;
  readonly environments: Environments;
  readonly codeArchive: CodeArchive;
  readonly codeSource: CodeSource;
  readonly dataSource: DataSource;
  readonly commitStatuses: CommitStatuses;
  readonly gateways: Gateways;
  readonly notifier: Notifier;
  readonly workflowClient: WorkflowClient;
  /** Runs work in separate processes. Absent inside such a process, which runs the work itself. */
  readonly computing?: Computing;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  /** When garbage is collected; null: on demand only. */
  readonly collectionSchedule: string | null;
  /** Working folders of attempts are made in it. */
  readonly scratchFolder: string;
  /** Of this worker; recorded with every step. */
  readonly isolation: Isolation;
  /** Principals that automation acts as. */
  readonly lifecyclePrincipal: string;
  /** The API key of a rehearsal's principal, derived, never stored. */
  readonly rehearsalKey: (rehearsalId: string) => string;
}

/**
 * What an activity that stores or removes bytes needs besides. Garbage collection keeps what a step stored while the step
 * runs. After that, a row must name the bytes, unless the run is of a kind that never waits for weeks
 * (`waitsForWeeks`, contracts/runs/collection.ts).
 */
export interface StoringDependencies extends ActivityDependencies {
  readonly objectStore: ObjectStore;
  /** It stores what its scripts wrote, so whoever calls it is a step that stores bytes. */
  readonly trainer: Trainer;
}
