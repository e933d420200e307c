import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { writeWhole } from '../../files/write-whole.ts';

/** Throws, before any request to the API, if the file cannot be written or would be overwritten. */
export async function refuseToOverwrite(file: string, overwrite: boolean): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !(found.isFile() && overwrite))
    throw new PerennialError(
      'invalid-request',
      found.isFile()
        ? `${file} exists already; choose another file, or use --force to overwrite it`
        : `${file} is not a file`,
      { file },
    );
  const folder = await stat(dirname(file)).catch(() => undefined);
  if (folder?.isDirectory() !== true)
    throw new PerennialError(
      'invalid-request',
      `${file} cannot be written, because the folder ${dirname(file)} does not exist`,
      { file },
    );
}

/**
 * Writes a draft next to the file and renames it at the end, so that an interrupted download leaves nothing behind.
 * Returns the number of bytes.
 */
export async function downloadTo(
  file: string,
  body: ReadableStream<Uint8Array>,
  told: (received: number) => void,
): Promise<number> {
  let received = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      told((received += chunk.length));
      yield chunk;
    }
  }
  try {
    return await writeWhole(file, counted(), { draft: `${file}.${process.pid}.partial`, flush: false });
  } catch (caught) {
    // If the file could not be opened, nobody has started to read the body yet.
    await body.cancel().catch(() => undefined);
    throw new PerennialError(
      'internal',
      `the download was interrupted after ${received} bytes, and nothing was written to ${file} (${reasonOf(caught)}); try again`,
      { file },
      { cause: caught },
    );
  }
}
