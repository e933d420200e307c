import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedIndexes } from './indexes/index.ts';

// Writes everything that is generated from the code: `npm run generate`. test/docs/ checks that all of it is current.
// The indexes of registries come first, because the code from which the reference pages are generated imports them.
const root = join(import.meta.dirname, '..');
await writeAll(generatedIndexes());
const { generatedPages } = await import('./pages/index.ts');
await writeAll(await generatedPages());

async function writeAll(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    process.stdout.write(`${path}\n`);
  }
}
