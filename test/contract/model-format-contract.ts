import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { Artifact, LoadedModel, ModelFormats } from '../../ports/model-format.ts';

export interface ModelFormatUnderTest {
  readonly name: string;
  /** The registry of model formats, with the format under test among others. */
  readonly formats: ModelFormats;
  /** Path of the model in a script's output folder. */
  readonly path: string;
  /** A regression model. `answers` are its predictions for `rows`. */
  readonly model: Uint8Array;
  readonly rows: Readonly<Record<string, readonly Cell[]>>;
  readonly answers: readonly number[];
}

interface Inspected {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly signature: Signature;
}

/** Tests what every model format must hold, through the registry. Run it against each format. */
export function modelFormatContract({ name, formats, path, model, rows, answers }: ModelFormatUnderTest): void {
  describe(`the format ${name} keeps the contract of model formats`, () => {
    const features = Object.keys(rows);
    const count = answers.length;
    let folder = '';
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'perennial-format-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function written(bytes: Uint8Array): Promise<Artifact> {
      const own = await mkdtemp(join(folder, 'artifact-'));
      const artifact: Artifact = { path: join(own, path), files: {}, outputFolder: join(own, 'converted') };
      await mkdir(artifact.outputFolder);
      await writeFile(artifact.path, bytes);
      return artifact;
    }

    async function inspect(): Promise<Inspected> {
      const artifact = await written(model);
      const found = await formats.named(name).inspect({ artifact, features, sample: rows, rows: count });
      const served = found.converted ?? artifact.path;
      // A model version's signature is stored as JSON.
      const signature: Signature = JSON.parse(JSON.stringify(found.signature));
      return { bytes: await readFile(served), path: served, signature };
    }

    let once: Promise<Inspected> | undefined;
    const inspected = (): Promise<Inspected> => (once ??= inspect());

    async function answersOf(loaded: LoadedModel): Promise<number[]> {
      const { values } = await loaded.predict(batchOfCells(loaded.signature.inputs, rows, count));
      return [...values].map(Number);
    }

    test('a model is detected by its path, and not by the same name in a folder', () => {
      expect(formats.detect(path)).toBe(name);
      expect(() => formats.detect(`older/${path}`)).toThrow(expect.objectContaining({ code: 'artifact-invalid' }));
    });

    test('an inspected model has a signature with the features, and predicts correctly after loading', async () => {
      const { bytes, signature } = await inspected();
      expect(signature.inputs.map((input) => input.name)).toEqual(features);
      const loaded = await formats.named(name).load(bytes, signature);
      try {
        expect(loaded.signature).toEqual(signature);
        const given = await loaded.predict(batchOfCells(loaded.signature.inputs, rows, count));
        expect(given).toMatchObject({ rows: count, probabilities: null, failures: [] });
        expect([...given.values].map(Number)).toEqual(answers.map((answer) => expect.closeTo(answer, 4)));
        expect(await loaded.predictEach(batchOfCells(loaded.signature.inputs, rows, count))).toEqual(given);
      } finally {
        await loaded.release();
      }
    });

    test('no rows give no predictions', async () => {
      const { bytes, signature } = await inspected();
      const loaded = await formats.named(name).load(bytes, signature);
      try {
        const none = Object.fromEntries(features.map((feature) => [feature, []]));
        expect(await loaded.predictEach(batchOfCells(loaded.signature.inputs, none, 0))).toMatchObject({
          rows: 0,
          failures: [],
        });
      } finally {
        await loaded.release();
      }
    });

    test('releasing a model does not affect another one with the same bytes', async () => {
      const { bytes, signature } = await inspected();
      const [kept, released] = await Promise.all([1, 2].map(() => formats.named(name).load(bytes, signature)));
      try {
        await released!.release();
        expect(await answersOf(kept!)).toEqual(answers.map((answer) => expect.closeTo(answer, 4)));
      } finally {
        await kept!.release();
      }
    });

    test('the latency of an inspected model is measured over the requested number of calls', async () => {
      const { path: served, signature } = await inspected();
      const order = { path: served, signature, sample: rows, rows: count, calls: 200 };
      const { calls, p50Ms, p95Ms, p99Ms } = await formats.named(name).measureLatency(order);
      expect(calls).toBe(200);
      expect(p50Ms).toBeGreaterThan(0);
      expect(p95Ms).toBeGreaterThanOrEqual(p50Ms);
      expect(p99Ms).toBeGreaterThanOrEqual(p95Ms);
    });

    test('bytes that are no model are refused by inspection and by loading', async () => {
      const noise = Buffer.from('no model of any format');
      const { signature } = await inspected();
      const artifact = await written(noise);
      const refused = { code: 'artifact-invalid', message: expect.stringContaining(path) };
      const format = formats.named(name);
      await expect(format.inspect({ artifact, features, sample: rows, rows: count })).rejects.toMatchObject(refused);
      await expect(format.load(noise, signature)).rejects.toMatchObject(refused);
    });
  });
}
