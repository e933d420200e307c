import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTree } from './check-imports.ts';
import { findFormatNames, isIn, placesThatNameFormats } from './find-format-names.ts';
import { readSource } from './read-imports.ts';

const tree = readTree(join(import.meta.dirname, '..', '..'));

test('no string of the product names a model format outside its folder and the table of formats', () => {
  expect(findFormatNames(tree)).toEqual([]);
});

test('every permitted place names a format', () => {
  const silent = placesThatNameFormats.filter(
    ({ place }) =>
      ![...tree].some(([path, { texts }]) => isIn(path, [place]) && texts.some(({ text }) => /onnx/i.test(text))),
  );
  expect(silent).toEqual([]);
});

describe('the name of a format elsewhere is found', () => {
  const found = (path: string, source: string) => findFormatNames(new Map([[path, readSource(path, source)]]));

  test.each([
    "export const format = 'onnx';",
    "export type Format = 'onnx' | 'python';",
    'export const name = `${folder}/model.onnx`;',
    "export const about = { 'model.onnx': 1 };",
    "export const text = 'The model, as ONNX';",
    'export const isModel = /[.]onnx$/;',
    "import { load } from '../adapters/model-formats/onnx/onnx-format.ts';",
    "export * from '../adapters/model-formats/onnx/onnx-format.ts';",
    "const { load } = await import('../adapters/model-formats/onnx/onnx-format.ts');",
    "export type Load = import('onnxruntime-node').Tensor;",
  ])('in %s', (source) => {
    for (const path of ['gateway/main.ts', 'activities/a.ts', 'cli/verbs/a.ts'])
      expect(found(path, source), path).toEqual([`${path}:1`]);
    expect(found('adapters/model-formats/onnx/a.ts', source)).toEqual([]);
    expect(found('test/a.test.ts', source)).toEqual([]);
  });

  test('but not in a comment or a property of the table', () => {
    expect(
      found('activities/a.ts', '// ONNX has 32-bit floats\nexport const limit = formats.onnx.bytesAtMost;'),
    ).toEqual([]);
  });

  test('but the registry may import a format without naming it in a string', () => {
    const registry = 'adapters/model-formats/model-formats.ts';
    expect(found(registry, "import { createOnnxFormat } from './onnx/onnx-format.ts';")).toEqual([]);
    expect(found(registry, "export const name = 'onnx';")).toEqual([`${registry}:1`]);
  });
});
