import { z } from 'zod';
import { bytesOf } from './byte-size.ts';
import { usualCodeLimits } from '../code/code-limits.ts';
import { Duration, durationMs } from '../time/duration.ts';

const GiB = 2 ** 30;

const Bytes = z
  .string()
  .regex(/^[1-9]\d{0,8}(KiB|MiB|GiB)$/, 'expected a size such as 512MiB or 2GiB')
  .transform(bytesOf);

/** A process with less memory than this fails soon after its start. */
const Memory = Bytes.pipe(z.number().min(128 * 2 ** 20, 'expected 128MiB or more'));

const Count = z.coerce.number().int().min(1).max(1_000_000_000);

/** Node's timers cannot exceed about 24 days. */
const Milliseconds = Duration.transform(durationMs).pipe(
  z
    .number()
    .min(1_000)
    .max(24 * 86_400_000),
);

/**
 * Limits of one piece of work on a user's data, code or model. Work that exceeds a limit is stopped and not retried,
 * with a message that names the setting (docs/how-to/limits.md).
 */
export const limitSettings = {
  /** Limits of the process that reads, checks or compares tables. */
  PERENNIAL_TABLE_MEMORY: Memory.default(6 * GiB),
  PERENNIAL_TABLE_DISK: Bytes.default(256 * GiB),
  PERENNIAL_TABLE_TIMEOUT: Milliseconds.default(600_000),
  /**
   * Heap limit of the process that measures models and compares columns outside the worker.
   */
  PERENNIAL_COMPUTE_MEMORY: Memory.default(4 * GiB),
  /** Limits of the process that first loads a model or measures its latency. */
  PERENNIAL_MODEL_MEMORY: Memory.default(4 * GiB),
  PERENNIAL_MODEL_TIMEOUT: Milliseconds.default(120_000),
  /** Limit on the size of one file that is uploaded to the API. */
  PERENNIAL_UPLOAD_SIZE: Bytes.default(5 * GiB),
  /** Limits of one data fetch: its total bytes and, for a database, the duration of the query. */
  PERENNIAL_FETCH_SIZE: Bytes.default(32 * GiB),
  PERENNIAL_FETCH_TIMEOUT: Milliseconds.default(3_600_000),
  /**
   * Limit on the copies of files that a worker keeps after it fetched them from an S3 store. They are in the cache
   * folder. Files that were computed from stored bytes take up to a quarter as much beside them.
   */
  PERENNIAL_FETCHED_CACHE: Bytes.default(8 * GiB),
  /** Limits on the unpacked code that the command line or a worker packs. */
  PERENNIAL_CODE_SIZE: Bytes.default(usualCodeLimits.bytes),
  PERENNIAL_CODE_FILES: Count.default(usualCodeLimits.files),
  /** Limits of one fetch of a git repository. */
  PERENNIAL_GIT_MEMORY: Memory.default(2 * GiB),
  PERENNIAL_GIT_DISK: Bytes.default(GiB),
  PERENNIAL_GIT_TIMEOUT: Milliseconds.default(600_000),
  /** Limits of each package manager step (pip, npm, …) that builds a training environment. */
  /** Defaults to half of the machine's memory. */
  PERENNIAL_INSTALL_MEMORY: Memory.optional(),
  PERENNIAL_INSTALL_DISK: Bytes.default(20 * GiB),
  PERENNIAL_INSTALL_TIMEOUT: Milliseconds.default(1_800_000),
} as const;
