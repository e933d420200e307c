import type { Cell } from '../../contracts/data/data-types.ts';
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
import type { Columns } from '../protocols/tensor-columns.ts';

/** A model in memory, warm, with its requests joined. */
export interface ServedModel {
  readonly artifact: Sha256;
  readonly format: ModelFormatName;
  readonly signature: Signature;
  /** A row without a finite answer is among the failures. */
  predict(columns: Columns): Promise<Answers>;
}

interface Held {
  readonly model: Promise<ServedModel>;
  /** undefined while it is being loaded. */
  loaded: { readonly model: ServedModel; readonly unload: () => Promise<void> } | undefined;
}

/** What a model is loaded from. */
export interface LoadableModel {
  readonly artifact: Sha256;
  readonly format: ModelFormatName;
  readonly signature: Signature;
}

/** Models by artifact, format and signature, so that environments that serve the same one share it. */
export interface LoadedModels {
  load(model: LoadableModel): Promise<ServedModel>;
  /** Unloads all others, after their last answers. */
  keepOnly(wanted: ReadonlySet<ServedModel>): Promise<void>;
}

const neutral: Record<TensorType, Cell> = { FP32: 0, FP64: 0, INT64: 0, BOOL: false, BYTES: '' };

/** The runtime allocates and plans at its first call, which should not be a caller's. */
async function warm(model: LoadedModel, signature: Signature, logger: Logger): Promise<void> {
  const features = Object.fromEntries(signature.inputs.map((input) => [input.name, [neutral[input.type]]]));
  try {
    await model.predictEach(features, 1);
  } catch (caught) {
    // A row of zeros need not be one that the model knows how to answer.
    if (!(caught instanceof PerennialError && caught.code === 'prediction-invalid')) throw caught;
    logger.debug({ reason: reasonOf(caught) }, 'a model was warmed with a row that it cannot answer');
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
    const served: ServedModel = { artifact, format, signature, predict: (columns) => batcher.predict(columns) };
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
      // One turn later, so that `held` has the entry before it is filled in.
      const model = Promise.resolve().then(() => open(key, { artifact, format, signature }));
      held.set(key, { model, loaded: undefined });
      model.catch(() => held.delete(key));
      return model;
    },
    async keepOnly(wanted) {
      // Chosen in one turn: whoever asks for one of them afterwards loads it anew.
      const unwanted = [...held].flatMap(([key, { loaded }]) =>
        loaded && !wanted.has(loaded.model) ? [{ key, unload: loaded.unload }] : [],
      );
      for (const { key } of unwanted) held.delete(key);
      for (const { unload } of unwanted) await unload();
    },
  };
}
