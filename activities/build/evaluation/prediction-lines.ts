import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { MeasuredRows } from './measured-rows.ts';

const linesAtOnce = 1_000;

/** Yields one JSON object per holdout row, in order: the truth, the challenger's answer and the champion's answer. */
export function* predictionLines({
  challenger,
  champion,
}: Pick<MeasuredRows, 'challenger' | 'champion'>): Generator<string> {
  const rows = challenger.truth.length;
  for (let from = 0; from < rows; from += linesAtOnce) {
    let lines = '';
    for (let row = from; row < Math.min(rows, from + linesAtOnce); row += 1) {
      const { truth, ...answer } = answerAt(challenger, row);
      const line = { truth, ...answer, champion: champion === null ? null : withoutTruth(champion, row) };
      lines += `${JSON.stringify(line)}\n`;
    }
    yield lines;
  }
}

function withoutTruth(sample: Sample, row: number): Record<string, unknown> {
  const { truth: _truth, ...answer } = answerAt(sample, row);
  return answer;
}

/** For binary models, `truth` and `prediction` are 1 for the positive class and 0 for the other. */
function answerAt(sample: Sample, row: number): Record<string, unknown> & { truth: unknown } {
  switch (sample.task) {
    case 'regression':
      return { truth: sample.truth[row], prediction: sample.prediction[row] };
    case 'binary':
      return {
        truth: sample.truth[row],
        prediction: sample.decision[row],
        probability: sample.probability?.[row] ?? null,
      };
    case 'multiclass': {
      const { classes, probabilities } = sample;
      const width = classes.length;
      const shares = probabilities && Array.from(probabilities.slice(row * width, (row + 1) * width));
      return {
        truth: classes[sample.truth[row] ?? -1],
        prediction: classes[sample.decision[row] ?? -1],
        probabilities: shares && Object.fromEntries(classes.map((name, place) => [name, shares[place]])),
      };
    }
  }
}
