import { createHash } from 'node:crypto';
import type { InferenceRow, RefusedRow } from '../../ports/gateways.ts';
import type { DatasetRow, DatasetRows } from '../measurement/dataset-rows.ts';

/** A row with an id of its own, because the same row may be replayed more than once. */
interface ReplayedRow extends InferenceRow {
  /** The row's own id. */
  readonly of: string;
}

interface WalkedRows {
  readonly toCanary: readonly ReplayedRow[];
  readonly toChampion: readonly ReplayedRow[];
}

interface Plan {
  /** Percentage of the rows for the canary. 0: all go to the champion, and a shadow gets copies. */
  readonly weight: number;
  readonly seed: string;
  readonly generation: number;
}

/** Walks rows in their order, repeatedly if necessary, a bounded number at a time. */
export class Walk {
  readonly #rows: DatasetRows;
  readonly #plan: Plan;
  /** Ids of the rows that are left out from now on. */
  readonly #gone = new Set<string>();
  #pieces: AsyncGenerator<readonly DatasetRow[]> | undefined;
  #piece: readonly DatasetRow[] = [];
  #next = 0;
  #walked = 0;
  #passed = 0;

  constructor(rows: DatasetRows, plan: Plan) {
    this.#rows = rows;
    this.#plan = plan;
  }

  /** Number of rows passed so far, with those that are left out. */
  get passed(): number {
    return this.#passed;
  }

  /** Whether every row is left out. */
  get isEmpty(): boolean {
    return this.#gone.size >= this.#rows.rows;
  }

  /**
   * Returns the next rows. It stops when `wanted` of them go to the canary; if a shadow is compared, to the champion.
   */
  async next(wanted: number): Promise<WalkedRows> {
    const toCanary: ReplayedRow[] = [];
    const toChampion: ReplayedRow[] = [];
    const counted = this.#plan.weight === 0 ? toChampion : toCanary;
    if (this.#next === this.#piece.length) await this.#turn();
    while (this.#next < this.#piece.length && counted.length < wanted) {
      const row = this.#piece[this.#next];
      this.#next += 1;
      this.#passed += 1;
      if (row === undefined || this.#gone.has(row.id)) continue;
      const replayed = { ...row, id: this.#idOf(row), of: row.id };
      (this.#isForCanary(replayed.id) ? toCanary : toChampion).push(replayed);
      this.#walked += 1;
    }
    return { toCanary, toChampion };
  }

  /** Leaves out rows that a gateway refused. */
  leaveOut({ toCanary, toChampion }: WalkedRows, refused: readonly RefusedRow[]): void {
    const ids = new Set(refused.map(({ id }) => id));
    for (const { id, of } of [...toCanary, ...toChampion]) if (ids.has(id)) this.#gone.add(of);
  }

  /** Ends reading. */
  async close(): Promise<void> {
    await this.#pieces?.return(undefined);
  }

  /** Reads the next piece. The first piece follows the last one. */
  async #turn(): Promise<void> {
    this.#next = 0;
    for (let time = 0; time < 2; time += 1) {
      this.#pieces ??= this.#rows.pieces();
      const { value, done } = await this.#pieces.next();
      if (done !== true) {
        this.#piece = value;
        return;
      }
      this.#pieces = undefined;
    }
    this.#piece = [];
  }

  #idOf({ id }: DatasetRow): string {
    const { weight, seed, generation } = this.#plan;
    const own = weight === 0 ? `${id}/shadow/${generation}` : `${id}/replay/${seed}`;
    return `${own}/${this.#walked}`.slice(-200);
  }

  #isForCanary(id: string): boolean {
    const { weight } = this.#plan;
    if (weight === 0) return false;
    const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
    return share * 100 < weight;
  }
}
