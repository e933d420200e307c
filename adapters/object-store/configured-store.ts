import type { StoreSettings } from '../../contracts/settings/object-stores.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { storeOpeners } from './index.ts';
import type { OpenStore } from './store-place.ts';

/** Opens the store that the settings name. Without such settings this is the disk under `home`. */
export function createConfiguredObjectStore(
  settings: StoreSettings,
  home: string,
  scratchFolder?: string,
): ObjectStore {
  const place = { home, ...(scratchFolder === undefined ? {} : { scratchFolder }) };
  const openers: readonly OpenStore[] = Object.values(storeOpeners);
  for (const open of openers) {
    const store = open(settings, place);
    if (store !== undefined) return store;
  }
  throw new TypeError('no object store opened, although the last one accepts all settings; this is a defect');
}
