import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startBenchStack } from '../ground/bench-stack.ts';
import { boostedClassifier } from '../ground/boosted-classifier.ts';
import { deployClassifier, servedModel, thisCheckout } from '../ground/served-classifier.ts';
import { newestRun } from '../ground/stack-run.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { compareInRounds, medianOf, threeDigits } from '../running/compare-in-rounds.ts';
import { runToEnd } from '../running/start-program.ts';

export const buildOverhead: BenchMeasure = {
  name: 'build',
  summary:
    'a build beside its training script alone: what resolving, splitting, loading, evaluating and recording cost',
  takes: '1 min',
  inShortForm: false,
  async run(bench) {
    const classifier = await boostedClassifier(bench);
    const stack = await startBenchStack(bench, { root: thisCheckout, home: join(bench.scratch, 'home') });
    const file = await deployClassifier(stack, classifier);
    const train = join(dirname(file), 'train');
    let number = 0;
    const build = async () => {
      number += 1;
      // New code, because the same rows and code would reuse the version that they already gave.
      await writeFile(join(train, 'train.sh'), `: ${number}\ncp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n`);
      await stack.perennial(['apply', '-f', file, '--json']);
      await stack.perennial(['build', '-m', servedModel, '--json']);
      const run = await newestRun(stack, servedModel, 'build');
      bench.say(`    ${run.steps.map((step) => `${step.name} ${threeDigits(step.milliseconds)} ms`).join(', ')}`);
      return { value: run.milliseconds / 1000 };
    };
    const script = async () => {
      const begun = performance.now();
      const env = { ...process.env, PERENNIAL_OUTPUT: bench.scratch };
      await runToEnd(bench, 'sh', ['train.sh'], { cwd: train, env });
      return { value: (performance.now() - begun) / 1000 };
    };
    const comparison = await compareInRounds(bench, {
      name: 'a build',
      unit: 's',
      moreIsBetter: false,
      contestants: [
        { name: 'build', once: build },
        { name: 'script alone', once: script },
      ],
      ratios: [],
    });
    const median = (name: string): number => medianOf((comparison.samples[name] ?? []).map(({ value }) => value));
    const value = median('build') - median('script alone');
    return {
      comparisons: [comparison],
      figures: [
        { name: 'a build without its script, median', value, unit: 's', target: { must: 1, aim: 0.5, atMost: true } },
      ],
      absent: [],
      versions: {},
      notes: [],
    };
  },
};
