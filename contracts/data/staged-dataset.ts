import { z } from 'zod';
import { FetchedFile } from './remote-source.ts';
import { DataWarning } from './data-warning.ts';
import { DatasetManifest, ExpectationResult } from './dataset-version.ts';
import { PartSummary } from './part-summary.ts';
import { Id, Sha256 } from '../identifiers.ts';

/** A batch that is parsed, checked and stored, but not yet committed. It is a blob. */
export const StagedDataset = z.object({
  schemaVersion: z.literal(1),
  digest: Sha256,
  manifest: DatasetManifest,
  expectations: z.array(ExpectationResult),
  warnings: z.array(DataWarning).default([]),
  rowsAdded: z.number().int(),
  rowsSkipped: z.number().int(),
  rowsReplaced: z.number().int().default(0),
  rowsRemoved: z.number().int().default(0),
  expectedHead: Id.nullable(),
  summaries: z.array(PartSummary).default([]),
  /** The profile, if preparing the batch gave it; a blob. */
  profile: Sha256.nullable().default(null),
  /** The fetched files of the batch; null if it was uploaded. */
  fetched: z.array(FetchedFile).nullable().default(null),
});
export type StagedDataset = z.infer<typeof StagedDataset>;
