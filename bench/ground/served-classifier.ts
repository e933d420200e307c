import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BoostedClassifier } from './boosted-classifier.ts';
import { startBenchPostgres } from './bench-postgres.ts';
import { type BenchStack, startBenchStack } from './bench-stack.ts';

/** The checkout that this file belongs to. */
export const thisCheckout = join(import.meta.dirname, '..', '..');

export const servedModel = 'boosted';

/** The state that a gateway needs to serve the classifier. */
export interface ServedClassifier {
  /** The checkout that prepared it. */
  readonly root: string;
  readonly home: string;
  readonly databaseUrl: string;
  readonly key: string;
  readonly classifier: BoostedClassifier;
}

export function configurationOfClassifier(features: readonly string[]): ConfigurationInput {
  return {
    schemaVersion: 1,
    name: servedModel,
    task: 'binary',
    owner: 'bench',
    data: { source: { path: 'rows.csv' }, key: 'id', target: 'label', features: [...features] },
    // The model is trained already: what is measured is how it is served.
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: {
      holdout: { fraction: 0.2, by: 'id' },
      metric: 'logLoss',
      gates: [{ metric: 'rocAuc', min: 0.5 }],
    },
    deploy: { strategy: { canary: [100], bake: '1s', minRequests: 0 } },
  };
}

/** Writes the model's folder, applies it, ingests its rows, builds version 1 and deploys it. */
export async function deployClassifier(stack: BenchStack, classifier: BoostedClassifier): Promise<string> {
  const folder = join(stack.home, 'boosted-model');
  await mkdir(join(folder, 'train'), { recursive: true });
  const file = join(folder, 'perennial.yaml');
  await writeFile(file, stringify(configurationOfClassifier(classifier.features)));
  await copyFile(classifier.rowsFile, join(folder, 'rows.csv'));
  await copyFile(classifier.onnxFile, join(folder, 'train', 'model.onnx'));
  await writeFile(join(folder, 'train', 'train.sh'), 'cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n');
  await stack.perennial(['apply', '-f', file, '--json']);
  await stack.perennial(['data', 'ingest', '-f', file, '--json']);
  await stack.perennial(['build', '-m', servedModel, '--json']);
  await stack.deploy(servedModel, 1);
  return file;
}

/** Prepares the state with the whole stack, stops the stack, and leaves only Postgres running. */
export async function prepareServedClassifier(
  bench: BenchContext,
  root: string,
  classifier: BoostedClassifier,
): Promise<ServedClassifier> {
  const home = join(bench.scratch, `home-${randomUUID().slice(0, 8)}`);
  bench.say(`  deploying the classifier with the stack of ${root}`);
  const databaseUrl = await startBenchPostgres(bench, `${home}-postgres`);
  const stack = await startBenchStack(bench, { root, home, env: { DATABASE_URL: databaseUrl } });
  await deployClassifier(stack, classifier);
  await stack.stop();
  return { root, home, databaseUrl, key: stack.keys.operator, classifier };
}
