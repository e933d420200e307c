import type { LatencyMeasurement } from '../../../contracts/models/evaluation.ts';
import type { CheckResult } from '../../../contracts/models/training-job.ts';

/** Measurements that some gates need besides the version's answers on the holdout. */
export interface GateEvidence {
  /** File name of the model, as the training script wrote it. */
  readonly artifactName: string;
  readonly artifactBytes: number;
  /** Null if no gate asked for it. */
  readonly latency: LatencyMeasurement | null;
  /** False in a rehearsal, where latency is recorded but does not affect the verdict. */
  readonly latencyDecides: boolean;
  /** One result per command gate, in the order of the gates. */
  readonly commands: readonly CheckResult[];
}
