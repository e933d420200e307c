import type { Gate, GateKind, GateOf } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import type { GateEvidence } from './gate-evidence.ts';

/** Inputs for judging a gate. */
export interface Judging {
  readonly rows: MeasuredRows;
  /** Seed of the resampling in champion gates. */
  readonly seed: number;
  /** Measurements for gates of latency, size and command; without it they are inconclusive. */
  readonly evidence: GateEvidence | undefined;
  /** All gates of the build in order. `evidence.commands` has one entry per command gate in the same order. */
  readonly gates: readonly Gate[];
}

/** Judges gates of one kind. Each kind has its own file, which exports one judge. */
export interface GateJudge<Kind extends GateKind> {
  /** Returns one verdict, or one per slice of the rows. */
  verdicts(gate: GateOf<Kind>, judging: Judging): GateVerdict[];
}
