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
  /** In the place of an archive: what the run fetches; its ref is the commit where a push named one. */
  git: GitSource.optional(),
  /** The branch or tag that was pushed, where it was a push that asked. */ pushedRef: z.string().optional(),
  command: z.array(z.string()),
  environmentPath: z.string().nullable(),
  /** Absent where it is false. */ allowBuilds: z.literal(true).optional(),
  network: z.boolean(),
  validation: z.boolean(),
  gitCommit: z.string().optional(),
  dirty: z.boolean().optional(),
  /** The version does not become the environment's code until a configuration is applied with it. Absent: false. */
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
      summary: 'make the archive canonical, commit it',
      proves: 'a code run is under way; the archive or repository is the one of the request',
      keeps: (_, committed) => [committed],
    }),
    /** Its input is no RunInput: the run is over, so this is none of its steps. */
    reportCommitStatus: stepOfRun<{ readonly about: RunInput }, void>({
      summary: 'tell the commit what became of it',
      proves: 'nothing is committed; what is told is the end of the run',
      alsoOf: ['build'],
      allows: ['ended'],
      // A server that is away for longer than this is not told.
      limits: { attempt: '1m', altogether: '15m' },
    }),
  },
});
