import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { digestFile } from '../../cli/files/digest-file.ts';
import { withNamelessFile } from '../../cli/files/nameless-file.ts';
import { writeTo } from '../../cli/files/open-file.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';

test('a file that was written and read through streams is closed', async () => {
  const digest = await withNamelessFile(async (file) => {
    await pipeline(['some ', 'bytes'], writeTo(file));
    await digestFile(file);
    return digestFile(file);
  });
  expect(digest).toBe(sha256OfBytes('some bytes'));
});
