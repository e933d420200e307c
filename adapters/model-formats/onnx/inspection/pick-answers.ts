import { PerennialError } from '../../../../contracts/errors.ts';
import type { WantedAnswers } from '../../../../ports/model-format.ts';
import type { EvidenceTrial } from './evidence-trials.ts';
import { pickClassifier } from '../classes/pick-classifier.ts';
import { pickOutput } from './match-inputs.ts';
import { numbersOf } from '../tensors.ts';
import type { Outputs, Trial, Tried } from './tried-outputs.ts';
import { namedOutput, triedOutputs } from './tried-outputs.ts';

/**
 * Identifies the outputs by shape, type and values. `evidence` holds the model's answers to rows with a known class.
 * Throws `artifact-invalid` or `prediction-invalid`.
 */
export function pickAnswers(trial: Trial, wanted: WantedAnswers, evidence: readonly EvidenceTrial[]): Outputs {
  const tried = triedOutputs(trial);
  const picked =
    wanted.task === 'regression' ? number(trial, tried, wanted.output) : pickClassifier(trial, wanted, evidence);
  const taken = new Set([picked.output.name, picked.probabilities?.name]);
  const vectors = tried
    .filter(({ name, type }) => !taken.has(name) && type !== 'BYTES' && type !== 'BOOL')
    .map(({ name, type, width }) => ({ name, type, width }));
  return { ...picked, ...(vectors.length === 0 ? {} : { vectors }) };
}

function number(trial: Trial, tried: readonly Tried[], named: string | undefined): Outputs {
  const output = named === undefined ? onlyNumber(trial, tried) : namedNumber(trial, tried, named);
  numbersOf(tried.find(({ name }) => name === output.name)?.tensor, { name: output.name, width: 1 }, trial.rows);
  return { output };
}

function onlyNumber({ all, candidates }: Trial, tried: readonly Tried[]): Outputs['output'] {
  const single = tried.filter(({ width, type }) => width === 1 && type !== 'BYTES').map(({ name }) => name);
  const answered = candidates.filter(({ name }) => single.includes(name));
  // An output that is declared as one number per row but answers otherwise is picked too, so that the error message
  // describes its answer.
  const numeric = candidates.filter(
    ({ type, shape: [, width] }) => type !== 'string' && (typeof width !== 'number' || width === 1),
  );
  return pickOutput(answered.length === 0 && numeric.length === 1 ? numeric : answered, all);
}

function namedNumber(trial: Trial, tried: readonly Tried[], named: string): Outputs['output'] {
  const { name, type, width } = namedOutput(trial, tried, named);
  if (type !== 'BYTES' && width === 1) return { name, type };
  throw new PerennialError(
    'artifact-invalid',
    `build.output is "${name}", which answers ${type === 'BYTES' ? 'text' : `${width} numbers per row`}; a regression is measured on one number per row: write a separate output for each number`,
    { output: name },
  );
}
