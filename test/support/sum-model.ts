import type { Signature } from '../../contracts/models/signature.ts';
import { model, node, value } from './onnx-models.ts';

/** Predicts `a + b` as `y` and `a · b` as `product`; both are `a` where b is missing. */
export const sumModel = model({
  nodes: [
    node('IsNaN', ['b'], ['lacksB']),
    node('Add', ['a', 'b'], ['sum']),
    node('Where', ['lacksB', 'a', 'sum'], ['y']),
    node('Mul', ['a', 'b'], ['times']),
    node('Where', ['lacksB', 'a', 'times'], ['product']),
  ],
  inputs: [value('a', 'FLOAT', ['rows', 1]), value('b', 'FLOAT', ['rows', 1])],
  outputs: [value('y', 'FLOAT', ['rows', 1]), value('product', 'FLOAT', ['rows', 1])],
});

export const sumSignature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'a', type: 'FP32' },
    { name: 'b', type: 'FP32', missing: true },
  ],
  output: { name: 'y', type: 'FP32' },
  vectors: [{ name: 'product', type: 'FP32', width: 1 }],
};
