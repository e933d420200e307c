import type { Isolation } from '../contracts/runs/isolation.ts';
import type { Clock } from '../ports/clock.ts';
import type { Computing } from '../ports/computing.ts';
import type { CodeArchive } from '../ports/code-archive.ts';
import type { CodeSource } from '../ports/code-source.ts';
import type { CommitStatuses } from '../ports/commit-status.ts';
import type { DerivedFiles } from '../ports/derived-files.ts';
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

/**
 * Dependencies of the activities, built once by `worker/main.ts`. Most activities only read stored bytes, so the object
 * store is read-only here.
 */
export interface ActivityDependencies {
  readonly repositories: Repositories;
  readonly objectStore: BlobReader;
  readonly ledgerProof: LedgerProof;
  /** Files that a later attempt would compute again. */
  readonly derivedFiles: DerivedFiles;
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
  /** Cron line of scheduled garbage collection; null if garbage is collected on demand only. */
  readonly collectionSchedule: string | null;
  /** Folder in which each attempt creates its working folder. */
  readonly scratchFolder: string;
  /** Isolation that this worker provides for user code; recorded with every step. */
  readonly isolation: Isolation;
  /** Id of the principal that the lifecycle acts as. */
  readonly lifecyclePrincipal: string;
  /**
   * Returns the API key of a rehearsal's principal. The key is derived from the installation's secret and never stored.
   */
  readonly rehearsalKey: (rehearsalId: string) => string;
}

/**
 * Dependencies of an activity that also stores or removes bytes. Garbage collection keeps what a step stored while the
 * step runs. After that, a row must refer to the bytes, unless the run is of a kind that never waits for weeks
 * (`waitsForWeeks`, contracts/runs/collection.ts).
 */
export interface StoringDependencies extends ActivityDependencies {
  readonly objectStore: ObjectStore;
  /** Listed here and not in ActivityDependencies, because the trainer stores the files that its scripts wrote. */
  readonly trainer: Trainer;
}
