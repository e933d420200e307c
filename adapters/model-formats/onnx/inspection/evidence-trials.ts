import type { Cell } from '../../../../contracts/data/data-types.ts';
import { takesMissing } from '../../../../contracts/data/missing-values.ts';
import type { OnnxSignatureInput } from '../../../../contracts/model-format.ts';
import type { EvidenceRows } from '../../../../ports/model-format.ts';
import type { Trial } from './tried-outputs.ts';

/** A model's answers to rows with a known class. */
export interface EvidenceTrial {
  readonly trial: Trial;
  readonly truth: readonly Cell[];
}

/** Most runs of the model. Each row on which it fails costs about log2(rows) runs. */
const mostRuns = 100;

/**
 * Runs the model on the rows. The rows on which it fails are found by bisection and left out. They are no reason to
 * refuse the model: only the sample decides whether a model can answer.
 */
export async function evidenceTrials(
  run: (rows: EvidenceRows) => Promise<Trial>,
  rows: EvidenceRows,
): Promise<EvidenceTrial[]> {
  let runs = 0;
  const part = async (from: number, to: number): Promise<EvidenceTrial[]> => {
    if (from === to || runs >= mostRuns) return [];
    runs += 1;
    const these = pick(rows, (_, row) => row >= from && row < to);
    try {
      return [{ trial: await run(these), truth: these.truth }];
    } catch {
      if (to - from === 1) return [];
      const middle = from + Math.ceil((to - from) / 2);
      return [...(await part(from, middle)), ...(await part(middle, to))];
    }
  };
  return part(0, rows.truth.length);
}

/** Leaves out the rows that the gateway would refuse for this model because a value is missing. */
export function rowsTaken(rows: EvidenceRows, inputs: readonly OnnxSignatureInput[]): EvidenceRows {
  const needed = inputs.filter((input) => !takesMissing(input)).map(({ name }) => rows.columns[name] ?? []);
  return pick(rows, (_, row) => needed.every((cells) => (cells[row] ?? null) !== null));
}

function pick({ columns, truth }: EvidenceRows, isPicked: (cell: Cell, row: number) => boolean): EvidenceRows {
  const picked = Object.entries(columns).map(([name, cells]): [string, Cell[]] => [name, cells.filter(isPicked)]);
  return { columns: Object.fromEntries(picked), truth: truth.filter(isPicked) };
}
