import type { Clock } from '../ports/clock.ts';
import type { DiskSpace } from '../ports/disk-space.ts';
import type { Gateways } from '../ports/gateways.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { LedgerProof } from '../ports/ledger-proof.ts';
import type { Logger } from '../ports/logger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import type { Scratch } from '../ports/scratch.ts';
import type { TableEngine } from '../ports/table-engine.ts';
import type { WorkflowClient } from '../ports/workflow-client.ts';

/** Dependencies of the API, which `main.ts` constructs. */
export interface ApiDependencies {
  readonly repositories: Repositories;
  readonly objectStore: ObjectStore;
  readonly ledgerProof: LedgerProof;
  /** Working folders on this machine, for `perennial doctor`. */
  readonly scratch: Scratch;
  /** Watches the disk of the folder that keeps this installation's state. */
  readonly diskSpace: DiskSpace;
  readonly tableEngine: TableEngine;
  readonly workflowClient: WorkflowClient;
  /**
   * Makes the gateways upload their newest predictions; `undefined` if labels need not be joined with them immediately.
   */
  readonly gateways?: Pick<Gateways, 'flush'>;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  /** Addresses of the other parts, shown to people; each is absent if unknown. */
  readonly addresses: Addresses;
  /** Existing folder for downloads in progress. */
  readonly scratchFolder: string;
  /** Limits of one upload. Default: 5 GiB, and two minutes without a byte. */
  readonly uploads?: UploadLimits;
  /** Interval in milliseconds at which commands that Temporal does not know yet are sent again. Default: 2000. */
  readonly dispatchEveryMs?: number;
}

export interface UploadLimits {
  readonly bytes: number;
  /** Maximum time without a byte before an upload is ended. */
  readonly idleMs: number;
}

export interface Addresses {
  readonly gateway?: string;
  readonly temporalUi?: string;
}
