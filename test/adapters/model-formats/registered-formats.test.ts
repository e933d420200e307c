import { expect, test } from 'vitest';
import { createModelFormats, registerFormats } from '../../../adapters/model-formats/model-formats.ts';
import { createOnnxFormat } from '../../../adapters/model-formats/onnx/onnx-format.ts';
import { modelFormats } from '../../../contracts/model-format.ts';
import { modelFormatContract } from '../../contract/model-format-contract.ts';
import { constantName, createConstantFormat } from '../../support/constant-format.ts';
import { linearModel } from '../../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../../support/sandbox-of-tests.ts';

const sandbox = sandboxOfTests();
const scratchFolder = scratchOfTests();
/** Registering a format takes one folder and one line here. */
const formats = registerFormats({
  onnx: createOnnxFormat({ sandbox, scratchFolder }),
  constant: createConstantFormat(),
});

modelFormatContract({
  name: 'onnx',
  formats,
  path: 'model.onnx',
  model: linearModel({ features: ['temp', 'hum'], weights: [2, -1], bias: 10 }),
  rows: { temp: [1, 2, 3], hum: [0.5, 0.25, 0] },
  answers: [11.5, 13.75, 16],
});

modelFormatContract({
  name: 'constant',
  formats,
  path: constantName,
  model: Buffer.from('{"answer":4.5}'),
  rows: { temp: [1, 2], hum: [0.5, null] },
  answers: [4.5, 4.5],
});

test('a file that belongs to no format is refused with the names of the formats', () => {
  expect(() => formats.detect('metrics.json')).toThrow(
    expect.objectContaining({ code: 'artifact-invalid', message: expect.stringContaining('onnx, constant') }),
  );
});

test('an unregistered format is refused by name', () => {
  expect(() => formats.named('pickle')).toThrow(
    expect.objectContaining({ code: 'internal', message: expect.stringContaining('"pickle"') }),
  );
});

test('the platform runs every format of the table of formats, and detects its model file', () => {
  const platform = createModelFormats({ sandbox, scratchFolder });
  for (const [format, { writes }] of Object.entries(modelFormats)) {
    expect(platform.named(format)).toBeDefined();
    expect(platform.detect(writes)).toBe(format);
  }
});
