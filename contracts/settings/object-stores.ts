import { z } from 'zod';

/**
 * The kinds of object stores. A process uses the first kind that its settings configure. The disk needs no setting, so
 * it is the last. `adapters/object-store/` implements each, in a file such as `s3.ts`.
 */
export const objectStores = {
  s3: 'an S3-compatible server at the address in S3_ENDPOINT',
  disk: 'files under PERENNIAL_HOME',
};

/** The environment variables of all kinds of object stores. */
export const storeSettings = {
  S3_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().default('perennial'),
  S3_ACCESS_KEY: z.string().optional(),
  S3_SECRET_KEY: z.string().optional(),
  S3_REGION: z.string().default('us-east-1'),
};
const StoreSettings = z.object(storeSettings);
export type StoreSettings = z.infer<typeof StoreSettings>;
