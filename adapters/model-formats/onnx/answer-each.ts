import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import { sliceOfBatch } from '../../../contracts/data/column-batch.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../contracts/model-format.ts';
import type { Answers } from '../../../ports/model-format.ts';
import { joinAnswers } from './join-answers.ts';

type Run = (batch: ColumnBatch) => Promise<Answers>;

/** Most runs of the model for one request. Each row that fails costs about log2(rows) runs. */
const mostRuns = 100;

/** Runs all rows at once. If the model fails, bisects the rows until the ones that make it fail are known. */
export async function answerEach(run: Run, signature: OnnxSignature, batch: ColumnBatch): Promise<Answers> {
  let runs = 0;
  const { rows } = batch;
  const part = async (from: number, to: number): Promise<Answers> => {
    runs += 1;
    try {
      return await run(from === 0 && to === rows ? batch : sliceOfBatch(batch, from, to));
    } catch (caught) {
      if (!(caught instanceof PerennialError) || caught.code !== 'prediction-invalid' || rows === 1) throw caught;
      if (to - from === 1 || runs >= mostRuns) return unanswered(signature, to - from, caught.message);
      const middle = from + Math.ceil((to - from) / 2);
      return joinAnswers([await part(from, middle), await part(middle, to)]);
    }
  };
  return part(0, rows);
}

function unanswered({ classes, probabilities, vectors = [] }: OnnxSignature, rows: number, reason: string): Answers {
  const nothing = (width: number): Float64Array => new Float64Array(rows * width).fill(Number.NaN);
  return {
    rows,
    values: classes === undefined ? nothing(1) : Array.from({ length: rows }, () => ''),
    probabilities: classes === undefined || probabilities === undefined ? null : nothing(probabilities.width),
    vectors: Object.fromEntries(vectors.map(({ name, width }) => [name, nothing(width)])),
    failures: Array.from({ length: rows }, (_, row) => ({ row, reason })),
  };
}
