import { join } from 'node:path';
import type { Settings } from '../../contracts/settings.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { createDiskObjectStore } from './disk.ts';
import { createS3ObjectStore } from './s3.ts';

type StoreSettings = Pick<Settings, 'S3_ENDPOINT' | 'S3_BUCKET' | 'S3_ACCESS_KEY' | 'S3_SECRET_KEY' | 'S3_REGION'>;

/**
 * The store that the settings name: the S3 server, or without one the disk under `home`, for one machine. Uploads to a server
 * wait in `scratchFolder`, which is removed when its process was killed.
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
