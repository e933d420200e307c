import { PerennialError } from '../../contracts/errors.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import type { ModelFormat, ModelFormats } from '../../ports/model-format.ts';
import type { OnnxFormatSettings } from './onnx/onnx-format.ts';
import { createOnnxFormat } from './onnx/onnx-format.ts';

/** The implementation of every format in the contracts. */
type AllFormats = {
  readonly [Name in FormattedModel['format']]: ModelFormat<Extract<FormattedModel, { format: Name }>['signature']>;
};

/** Creates the registry of the formats that this platform runs, one line per format. */
export function createModelFormats(settings: OnnxFormatSettings): ModelFormats {
  const all: AllFormats = {
    onnx: createOnnxFormat(settings),
  };
  return registerFormats(all);
}

export function registerFormats(formats: Readonly<Record<string, ModelFormat>>): ModelFormats {
  const registered = new Map(Object.entries(formats));
  const names = [...registered.keys()].join(', ');
  return {
    detect(path) {
      for (const [name, format] of registered) if (format.detect(path)) return name;
      throw new PerennialError(
        'artifact-invalid',
        `${path} is not a model file in a format that the platform runs; the formats are ${names}`,
        { file: path },
      );
    },
    named(format) {
      const found = registered.get(format);
      if (found !== undefined) return found;
      throw new PerennialError(
        'internal',
        `this process cannot run models of the format ${JSON.stringify(format)}, only of ${names}; upgrade the process`,
        { format },
      );
    },
  };
}
