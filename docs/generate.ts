import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedPages } from './pages/index.ts';

// Writes the reference pages that are made from the code: `npm run generate`. test/docs/ checks that they are current.
const root = join(import.meta.dirname, '..');
for (const [path, text] of await generatedPages()) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
