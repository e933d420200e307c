import { join } from 'node:path';
import type { Settings } from '../../contracts/settings/settings.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { createDiskObjectStore } from './disk.ts';
import { createS3ObjectStore } from './s3.ts';

type StoreSettings = Pick<Settings, 'S3_ENDPOINT' | 'S3_BUCKET' | 'S3_ACCESS_KEY' | 'S3_SECRET_KEY' | 'S3_REGION'>;

/**
 * Opens the store that the settings name: an S3 server or, if none is set, the disk under `home`. Uploads to a server
 * are staged in `scratchFolder`, which a later process removes if this one is killed.
 */
export function createConfiguredObjectStore(
  settings: StoreSettings,
  home: string,
  scratchFolder?: string,
): ObjectStore {
  if (settings.S3_ENDPOINT === undefined) return createDiskObjectStore(join(home, 'objects'));
  return createS3ObjectStore({
    endpoint: settings.S3_ENDPOINT,
    bucket: settings.S3_BUCKET,
    accessKey: settings.S3_ACCESS_KEY ?? '',
    secretKey: settings.S3_SECRET_KEY ?? '',
    region: settings.S3_REGION,
    ...(scratchFolder === undefined ? {} : { scratchFolder }),
  });
}
