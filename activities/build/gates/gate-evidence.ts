import type { LatencyMeasurement } from '../../../contracts/models/evaluation.ts';
import type { CheckResult } from '../../../contracts/models/training-job.ts';

/** What gates ask of a version besides its answers on the holdout. */
export interface GateEvidence {
  /** The model's file, as its script named it. */
  readonly artifactName: string;
  readonly artifactBytes: number;
  /** null: no gate asked. */
  readonly latency: LatencyMeasurement | null;
  /** False in a rehearsal, where latency is recorded and decides nothing. */
  readonly latencyDecides: boolean;
  /** One a command gate, in the order of the gates. */
  readonly commands: readonly CheckResult[];
}
