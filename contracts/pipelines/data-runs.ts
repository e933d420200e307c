import { z } from 'zod';
import { DataFormat } from '../data/data-format.ts';
import { countWarnings, DataWarning } from '../data/data-warning.ts';
import { RemoteSource } from '../data/remote-source.ts';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({
  kind: z.literal('data'),
  datasetVersionId: Id,
  number: z.number().int(),
  digest: Sha256,
  rows: z.number().int(),
  added: z.number().int(),
  skipped: z.number().int(),
  /** Known rows whose values were replaced, and known rows that were removed; absent in runs of older versions. */
  replaced: z.number().int().optional(),
  removed: z.number().int().optional(),
  /** Warnings and guesses about the batch; absent in runs of older versions. */
  warnings: z.array(DataWarning).optional(),
  unchanged: z.boolean(),
});

type Outcome = z.infer<typeof outcome>;

const request = z.object({
  kind: z.literal('data'),
  schemaVersion: z.literal(1),
  files: z
    .array(z.object({ name: z.string(), sha256: Sha256, format: DataFormat }))
    .min(1)
    .max(1000)
    .optional(),
  /** The source that the run fetches, instead of `files`. */ source: RemoteSource.optional(),
  /** Rows at or after this instant are excluded (rehearsals). */ before: Instant.optional(),
  /** Rows before this instant are excluded. */ from: Instant.optional(),
});

function rowsOf({ rows, added, skipped, replaced = 0, removed = 0 }: Outcome): string {
  const changed = [...(replaced > 0 ? [`${replaced} replaced`] : []), ...(removed > 0 ? [`${removed} removed`] : [])];
  return [`${rows} rows`, `${added} added`, ...changed, `${skipped} already known`].join(', ');
}

export const dataRuns = pipeline({
  kind: 'data',
  workflow: 'dataPipeline',
  queue: 'data',
  limits: { attempt: '6h', altogether: '36h' },
  atOnce: 4,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['commitDataset'],
  request,
  outcome,
  describe: (made: Outcome) =>
    [`dataset ${made.number}: ${rowsOf(made)}`, made.unchanged ? 'unchanged' : '', countWarnings(made.warnings ?? [])]
      .filter((part) => part !== '')
      .join(', '),
  steps: {
    /** Returns the digest of the fetched batch, or null if the run's files were uploaded. */
    fetchSource: stepOfRun<RunInput, { readonly fetched: Sha256 | null }>({
      summary: 'fetch the batch from the source',
      proves: 'nothing is committed; the source is the one in the request',
      keeps: (_, { fetched }) => [{ fetched }],
    }),
    prepareDataset: stepOfRun<RunInput & { readonly fetched: Sha256 | null }, { readonly staged: Sha256 }>({
      summary: 'parse, check and store the batch',
      proves: 'the batch was returned by `fetchSource`; a refusal is recorded only while the data run is under way',
      takes: ({ fetched }) => [[{ step: 'fetchSource', result: { fetched } }]],
      keeps: (_, { staged }) => [{ staged }],
    }),
    profileDataset: stepOfRun<RunInput & { readonly staged: Sha256 }, { readonly profile: Sha256 }>({
      summary: 'profile every column',
      proves: 'the batch was returned by `prepareDataset`; nothing is committed',
      takes: ({ staged }) => [[{ step: 'prepareDataset', result: { staged } }]],
      keeps: ({ staged }, { profile }) => [{ staged, profile }],
    }),
    commitDataset: stepOfRun<RunInput & { readonly staged: Sha256; readonly profile: Sha256 }, z.infer<typeof outcome>>(
      {
        summary: 'commit the version and move the data head',
        proves:
          'the profile was returned by `profileDataset` for the same rows; the data run is under way; the data head has not moved since the batch was prepared',
        takes: ({ staged, profile }) => [[{ step: 'profileDataset', result: { staged, profile } }]],
        keeps: (_, committed) => [committed],
      },
    ),
  },
});
