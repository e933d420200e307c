import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectOutput } from '../../../adapters/trainers/local/collect-output.ts';
import { protobufBytesAtMost } from '../../../contracts/models/protobuf-bytes.ts';

test('a model larger than ONNX allows is a final failure, and the message names that limit and the way out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-output-'));
  try {
    const model = await open(join(folder, 'model.onnx'), 'w');
    await model.truncate(protobufBytesAtMost + 1);
    await model.close();
    await expect(collectOutput(folder, () => undefined)).rejects.toMatchObject({
      code: 'too-large',
      retryable: false,
      message: expect.stringMatching(
        /the ONNX format is limited to 2147483647, which no setting .*; train a smaller model/,
      ),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
