import type { CodeArchive } from '../../ports/code-archive.ts';
import { packFolder } from './pack.ts';
import { unpackArchive } from './unpack.ts';

/** Canonical tar archives of code; see `pack.ts` for the form and `unpack.ts` for what is refused. */
export function createTarCodeArchive(): CodeArchive {
  return { unpack: unpackArchive, pack: packFolder };
}
