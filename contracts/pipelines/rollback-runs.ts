import { z } from 'zod';
import { Id } from '../identifiers.ts';
import { pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

/** The heads that a rollback can move back together with the release. */
export const Head = z.enum(['data', 'code', 'config']);
export type Head = z.infer<typeof Head>;

const outcome = z.object({
  kind: z.literal('rollback'),
  fromReleaseId: Id,
  toReleaseId: Id,
  /** Number of the version that serves again; absent in runs of older versions. */
  modelVersion: z.number().int().optional(),
  generation: z.number().int(),
  /** The heads that were moved back. */
  heads: z.array(Head).optional(),
});

const request = z.object({
  kind: z.literal('rollback'),
  schemaVersion: z.literal(1),
  toReleaseId: Id.optional(),
  /** Heads that move back to the data, code or configuration of the target release. */ with: z.array(Head).optional(),
  reason: z.string(),
});

export const rollbackRuns = pipeline({
  kind: 'rollback',
  workflow: 'rollbackPipeline',
  queue: 'deploy',
  limits: { attempt: '10m', altogether: '26h' },
  atOnce: 50,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['rollBack'],
  request,
  outcome,
  describe: ({ modelVersion, generation, heads = [] }: z.infer<typeof outcome>) => {
    const serving =
      modelVersion === undefined
        ? `generation ${generation} serves`
        : `version ${modelVersion} serves in generation ${generation}`;
    const back = heads.length === 0 ? '' : `; heads moved back with it: ${heads.join(', ')}`;
    return `${serving}${back}; promotion is on hold until \`perennial resume\``;
  },
  steps: {
    rollBack: stepOfRun<RunInput, z.infer<typeof outcome>>({
      summary: 'serve only the target release and put promotion on hold',
      proves: 'the rollback run is under way; the target, the heads and the reason are those in the request',
      keeps: (_, rolledBack) => [rolledBack],
    }),
  },
});
