import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { batchOfCells } from '../../contracts/models/batch-of-cells.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ModelFormatName } from '../../contracts/model-format.ts';
import { modelFormats } from '../../contracts/model-format.ts';
import type { Signature, TensorType } from '../../contracts/models/signature.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Answers, LoadedModel, ModelFormats } from '../../ports/model-format.ts';
import type { ArtifactCache } from './artifact-cache.ts';
import { createBatcher } from './batcher.ts';

/** A loaded and warmed-up model that batches concurrent requests. */
export interface ServedModel {
  readonly artifact: Sha256;
  readonly format: ModelFormatName;
  readonly signature: Signature;
  /** Predicts. A row without a finite prediction is listed in `failures`. */
  predict(batch: ColumnBatch): Promise<Answers>;
}

interface Held {
  readonly model: Promise<ServedModel>;
  /** `undefined` while the model is being loaded. */
  loaded: { readonly model: ServedModel; readonly unload: () => Promise<void> } | undefined;
}

/** What is needed to load a model. */
export interface LoadableModel {
  readonly artifact: Sha256;
  readonly format: ModelFormatName;
  readonly signature: Signature;
}

/** Loaded models by artifact, format and signature, so that environments that serve the same model share it. */
export interface LoadedModels {
  load(model: LoadableModel): Promise<ServedModel>;
  /** Unloads all other models, after their pending requests. */
  keepOnly(wanted: ReadonlySet<ServedModel>): Promise<void>;
}

const neutral: Record<TensorType, Cell> = { FP32: 0, FP64: 0, INT64: 0, BOOL: false, BYTES: '' };

/**
 * Warms up a model with one neutral row, because the runtime allocates memory and plans at its first call, and no
 * caller should wait for that.
 */
async function warm(model: LoadedModel, signature: Signature, logger: Logger): Promise<void> {
  const features = Object.fromEntries(signature.inputs.map((input) => [input.name, [neutral[input.type]]]));
  try {
    await model.predictEach(batchOfCells(signature.inputs, features, 1));
  } catch (caught) {
    // A model may be unable to answer a row of zeros.
    if (!(caught instanceof PerennialError && caught.code === 'prediction-invalid')) throw caught;
    logger.debug({ reason: reasonOf(caught) }, 'the model has no answer for the row that warms it up');
  }
}

export function createLoadedModels(deps: {
  readonly artifacts: ArtifactCache;
  readonly formats: ModelFormats;
  readonly logger: Logger;
}): LoadedModels {
  const held = new Map<string, Held>();

  async function open(key: string, { artifact, format, signature }: LoadableModel): Promise<ServedModel> {
    const loader = deps.formats.named(format);
    const bytes = await deps.artifacts.read(artifact, modelFormats[format].bytesAtMost);
    const model = await loader.load(bytes, signature);
    await warm(model, signature, deps.logger);
    const batcher = createBatcher(model);
    const served: ServedModel = { artifact, format, signature, predict: (batch) => batcher.predict(batch) };
    const unload = async () => {
      await batcher.close();
      await model.release();
    };
    const entry = held.get(key);
    if (entry) entry.loaded = { model: served, unload };
    return served;
  }

  return {
    load({ artifact, format, signature }) {
      const key = `${artifact} ${format} ${sha256OfJson(signature)}`;
      const known = held.get(key);
      if (known) return known.model;
      // Deferred by one turn, so that `held` has the entry before `open` fills it in.
      const model = Promise.resolve().then(() => open(key, { artifact, format, signature }));
      held.set(key, { model, loaded: undefined });
      model.catch(() => held.delete(key));
      return model;
    },
    async keepOnly(wanted) {
      // All unwanted entries are removed in one turn, so that later requests for such a model load it again.
      const unwanted = [...held].flatMap(([key, { loaded }]) =>
        loaded && !wanted.has(loaded.model) ? [{ key, unload: loaded.unload }] : [],
      );
      for (const { key } of unwanted) held.delete(key);
      for (const { unload } of unwanted) await unload();
    },
  };
}
