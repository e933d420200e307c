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

/** What the API is made of; `main.ts` constructs them. */
export interface ApiDependencies {
  readonly repositories: Repositories;
  readonly objectStore: ObjectStore;
  readonly ledgerProof: LedgerProof;
  /** Of this machine, for `perennial doctor`. */
  readonly scratch: Scratch;
  /** Watches the disk of the folder that keeps this installation's state. */
  readonly diskSpace: DiskSpace;
  readonly tableEngine: TableEngine;
  readonly workflowClient: WorkflowClient;
  /** Undefined where labels need not find predictions that a gateway has not handed over yet. */
  readonly gateways?: Pick<Gateways, 'flush'>;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  /** Where the other parts answer, for people; undefined where unknown. */
  readonly addresses: Addresses;
  /** An existing folder for downloads that are being made. */
  readonly scratchFolder: string;
  /** Limits of one upload. Default: 5 GiB, and two minutes without a byte. */
  readonly uploads?: UploadLimits;
  /** How often commands that Temporal has not been told of are sent again. Default 2000. */
  readonly dispatchEveryMs?: number;
}

export interface UploadLimits {
  readonly bytes: number;
  /** The longest time without a byte before an upload is ended. */
  readonly idleMs: number;
}

export interface Addresses {
  readonly gateway?: string;
  readonly temporalUi?: string;
}
