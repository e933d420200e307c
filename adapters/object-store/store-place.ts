import type { StoreSettings } from '../../contracts/settings/object-stores.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/** Folders of the process that opens a store. */
export interface StorePlace {
  /** PERENNIAL_HOME. */
  readonly home: string;
  /** Folder for unfinished uploads. A later process removes it if this one is killed. */
  readonly scratchFolder?: string;
}

/** Opens a store of one kind. Returns undefined if the settings name no such store. */
export type OpenStore = (settings: StoreSettings, place: StorePlace) => ObjectStore | undefined;
