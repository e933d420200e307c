import type { Gate, GateKind, GateOf } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import type { GateEvidence } from './gate-evidence.ts';

/** What gates judge by. */
export interface Judging {
  readonly rows: MeasuredRows;
  /** Of the resamples of champion gates. */
  readonly seed: number;
  /** What gates of latency, size and command ask for; without it they are inconclusive. */
  readonly evidence: GateEvidence | undefined;
  /** All gates of the build in their order, as `evidence.commands` has the endings of command gates. */
  readonly gates: readonly Gate[];
}

/** Judges gates of one kind. Each kind has a file that exports one. */
export interface GateJudge<Kind extends GateKind> {
  /** One verdict, or one for each slice of the rows. */
  verdicts(gate: GateOf<Kind>, judging: Judging): GateVerdict[];
}
