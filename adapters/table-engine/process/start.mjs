// Starts process.ts with the compiled code in the folder that its argument names. JavaScript, because the compiled code
// of a TypeScript file could not be used before it is found.
import { statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

const folder = process.argv[2] ?? '';
// A folder that was removed while it is mounted can still be seen, with a link count of zero. Node would try for ever, at
// full load, to make a folder in it.
if ((statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0) > 0) enableCompileCache(folder);
await import('./table-process-main.ts');
