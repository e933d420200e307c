import { z } from 'zod';
import { GitSource } from '../code/git-source.ts';
import { Id, Sha256 } from '../identifiers.ts';
import { pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({
  kind: z.literal('code'),
  codeVersionId: Id,
  number: z.number().int(),
  digest: Sha256,
  unchanged: z.boolean(),
});

const request = z.object({
  kind: z.literal('code'),
  schemaVersion: z.literal(1),
  archive: Sha256.optional(),
  /** The repository that the run fetches, instead of `archive`. Its ref is the commit if a push named one. */
  git: GitSource.optional(),
  /** The branch or tag that was pushed, if a push caused the run. */ pushedRef: z.string().optional(),
  command: z.array(z.string()),
  environmentPath: z.string().nullable(),
  /** Omitted instead of false. */ allowBuilds: z.literal(true).optional(),
  network: z.boolean(),
  validation: z.boolean(),
  gitCommit: z.string().optional(),
  dirty: z.boolean().optional(),
  /**
   * True if the version becomes the environment's code only when a configuration is applied with it. Omitted instead of
   * false.
   */
  staged: z.literal(true).optional(),
});

export const codeRuns = pipeline({
  kind: 'code',
  workflow: 'codePipeline',
  queue: 'data',
  limits: { attempt: '6h', altogether: '36h' },
  atOnce: 4,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['commitCode'],
  request,
  outcome,
  describe: ({ number, unchanged }: z.infer<typeof outcome>) => `code ${number}${unchanged ? ', unchanged' : ''}`,
  steps: {
    commitCode: stepOfRun<RunInput, z.infer<typeof outcome>>({
      summary: 'make the archive canonical and commit it',
      proves: 'the code run is under way; the archive or repository is the one in the request',
      keeps: (_, committed) => [committed],
    }),
    /** The input is not a RunInput, because the run has already ended when this step reports on it. */
    reportCommitStatus: stepOfRun<{ readonly about: RunInput }, void>({
      summary: 'report the result of the run as a status of the commit',
      proves: 'nothing is committed; the reported result is that of the run, which has ended',
      alsoOf: ['build'],
      allows: ['ended'],
      // The report is given up if the server is unavailable for longer than this.
      limits: { attempt: '1m', altogether: '15m' },
    }),
  },
});
