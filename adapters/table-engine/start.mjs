// Starts process.ts with the compiled code in the folder that its argument names. JavaScript, because the compiled code
// of a TypeScript file could not be used before it is found.
import { statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

const folder = process.argv[2] ?? '';
// A folder that was removed while it is mounted is still seen, without a name anywhere. Node would try to make a folder in
// it for ever, at full load.
if ((statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0) > 0) enableCompileCache(folder);
await import('./process.ts');
