import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { LoadedModel, ModelFormat } from '../../ports/model-format.ts';

/** A file of this format contains, for example, `{"answer": 4.5}`. */
export const constantName = 'constant.json';

const Constant = z.object({ answer: z.number() });

/** Creates the smallest model format: a JSON file with one number, which the model predicts for every row. */
export function createConstantFormat(): ModelFormat {
  return {
    detect: (path) => path === constantName,
    async inspect({ artifact, features }) {
      read(await readFile(artifact.path));
      return {
        signature: {
          schemaVersion: 1,
          layout: 'columns',
          inputs: features.map((name) => ({ name, type: 'FP64' })),
          output: { name: 'answer', type: 'FP64' },
        },
        converted: null,
        notes: [],
      };
    },
    async measureLatency({ path, sample, rows, calls }) {
      const { answer } = read(await readFile(path));
      const begin = performance.now();
      for (let call = 0; call < calls; call += 1) answersTo(answer, Object.keys(sample).length === 0 ? 0 : rows);
      const each = (performance.now() - begin) / calls;
      return { calls, p50Ms: each, p95Ms: each, p99Ms: each, machine: 'test' };
    },
    async load(bytes, signature): Promise<LoadedModel> {
      const { answer } = read(bytes);
      return {
        signature,
        predict: async ({ rows }) => answersTo(answer, rows),
        predictEach: async ({ rows }) => answersTo(answer, rows),
        release: async () => undefined,
      };
    },
  };
}

function read(bytes: Uint8Array): z.infer<typeof Constant> {
  try {
    return Constant.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (caught) {
    throw new PerennialError('artifact-invalid', `${constantName} is not a constant: ${reasonOf(caught)}`);
  }
}

function answersTo(answer: number, rows: number) {
  return { rows, values: new Float64Array(rows).fill(answer), probabilities: null, vectors: {}, failures: [] };
}
