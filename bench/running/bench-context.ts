import type { LoadGenerator } from '../load/load-generator.ts';

/** What every measure is given. */
export interface BenchContext {
  /** Alternating rounds of a comparison. */
  readonly rounds: number;
  /** Seconds of load in a round. */
  readonly seconds: number;
  /** The short form: fewer rounds, no peers, smaller data. */
  readonly short: boolean;
  /** A folder for CPU profiles, if the caller wants them. */
  readonly profileFolder: string | undefined;
  /** Another checkout, measured beside this one in the same rounds. */
  readonly beside: string | undefined;
  /** A folder that is removed at the end. */
  readonly scratch: string;
  readonly load: LoadGenerator;
  /** Reports progress. */
  say(sentence: string): void;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Runs `release` at the end, whether the measure succeeds, fails or is interrupted. The last one runs first. */
  onEnd(release: () => Promise<void>): void;
}

/** A reason why something is not part of a run, such as a program that is not installed. */
export class Absent extends Error {
  override readonly name = 'Absent';
}
