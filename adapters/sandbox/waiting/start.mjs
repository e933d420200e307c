// Preloaded by waiting programs: sets the compile cache to the folder given as first argument. This file is JavaScript,
// because the cache cannot cover the file that enables it, and TypeScript would have to be stripped at every start.
import { statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

const folder = process.argv[2] ?? '';
// A folder that was removed while it is mounted is still visible, with a link count of zero. Node would try forever, at
// full load, to create a folder in it.
if ((statSync(folder, { throwIfNoEntry: false })?.nlink ?? 0) > 0) enableCompileCache(folder);
