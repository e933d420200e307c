import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { cachedProgramFolder } from '../../setup/find-program.mjs';
import type { BenchContext } from '../running/bench-context.ts';
import { runToEnd } from '../running/start-program.ts';
import { pythonWith } from './python-environment.ts';

const script = join(import.meta.dirname, 'make_classifier.py');
/** The lock of the example, of which `npm test` builds the environment too. */
const lock = join(import.meta.dirname, '../../examples/bike-demand/train/requirements.lock');
const RoundSample = z.object({ features: z.array(z.string()), rows: z.array(z.array(z.number())) });

/** A gradient-boosted classifier of 100 trees and 30 features. */
export interface BoostedClassifier {
  readonly onnxFile: string;
  /** The same model as scikit-learn's own object. */
  readonly joblibFile: string;
  readonly rowsFile: string;
  readonly features: readonly string[];
  /** A thousand rows of values, in the order of the features. */
  readonly rows: readonly (readonly number[])[];
}

/** Trains the classifier, or returns the one that an earlier run trained with the same script and packages. */
export async function boostedClassifier(bench: BenchContext): Promise<BoostedClassifier> {
  const cache = join(dirname(cachedProgramFolder(process.env)), 'bench');
  const digest = sha256OfBytes(Buffer.concat([await readFile(script), await readFile(lock)])).slice(0, 32);
  const folder = join(cache, `classifier-${digest}`);
  if (!existsSync(folder)) {
    const python = await pythonWith(bench, lock);
    bench.say('  training the classifier');
    await mkdir(cache, { recursive: true });
    const draft = await mkdtemp(join(cache, 'draft-'));
    try {
      await runToEnd(bench, python, [script, draft]);
      // Another run may have been faster.
      if (!existsSync(folder)) await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  const sample = RoundSample.parse(JSON.parse(await readFile(join(folder, 'sample.json'), 'utf8')));
  return {
    onnxFile: join(folder, 'model.onnx'),
    joblibFile: join(folder, 'model.joblib'),
    rowsFile: join(folder, 'rows.csv'),
    ...sample,
  };
}
