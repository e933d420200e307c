import type { Cell } from '../../../contracts/data/data-types.ts';
import type { LockedDatabase } from './locked-database.ts';

/** What one call has for itself inside of its process. */
export interface TableWorkplace {
  /** An existing empty folder, removed after the call. */
  readonly folder: string;
  /** The most rows that `emit` accepts in one call of the engine. */
  readonly rowsAtMost: number;
  /** Opens the locked database; once a call. `readable` are files, `writable` folders; the zone is of naive timestamps, default UTC. */
  open(access: {
    readonly readable: readonly string[];
    readonly writable?: readonly string[];
    readonly timezone?: string;
    /** How many columns the rows have, where that is known. */
    readonly columns?: number;
  }): Promise<LockedDatabase>;
  /** Hands a piece of a result over, one array a column. */
  emit(columns: readonly (readonly Cell[])[]): Promise<void>;
}
