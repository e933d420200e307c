import { z } from 'zod';
import { Id, Instant, type Sha256 } from '../identifiers.ts';
import { pipeline } from './pipeline.ts';
import { type RunInput, stepOfRun } from './step.ts';

const outcome = z.object({
  kind: z.literal('monitor'),
  reportId: Id,
  opened: z.number().int(),
  closed: z.number().int(),
});

const request = z.object({
  kind: z.literal('monitor'),
  schemaVersion: z.literal(1),
  asOf: Instant,
  window: z.string().optional(),
});

export const monitorRuns = pipeline({
  kind: 'monitor',
  workflow: 'monitorPipeline',
  queue: 'monitor',
  limits: { attempt: '1h', altogether: '28h' },
  atOnce: 8,
  oneAtATime: true,
  waitsForWeeks: false,
  lastSteps: ['reportWindow'],
  request,
  outcome,
  describe: ({ opened, closed }: z.infer<typeof outcome>) => `${opened} findings opened, ${closed} closed`,
  steps: {
    collectWindow: stepOfRun<RunInput, { readonly window: Sha256 }>({
      summary: "flush the gateways' prediction logs and fix the window",
      proves: 'nothing is committed',
      keeps: (_, { window }) => [{ window }],
    }),
    reportWindow: stepOfRun<RunInput & { readonly window: Sha256 }, z.infer<typeof outcome>>({
      summary: 'test for drift and performance, and write the report',
      proves: 'the window was returned by `collectWindow`; the monitor run is under way; each run makes one report',
      apart: true,
      takes: ({ window }) => [[{ step: 'collectWindow', result: { window } }]],
      keeps: (_, reported) => [reported, { reportId: reported.reportId }],
    }),
    /**
     * Notifies connections of the findings that the report opened and closed. Returns the names of the connections that
     * were notified, and of those for which it failed.
     */
    notifyOfReport: stepOfRun<
      RunInput & { readonly reportId: Id },
      { readonly told: readonly string[]; readonly failed: readonly string[] }
    >({
      summary: 'notify connections of findings',
      proves: 'the report was returned by `reportWindow`; nothing is committed',
      takes: ({ reportId }) => [[{ step: 'reportWindow', result: { reportId } }]],
    }),
    /** Deletes predictions whose retention period has passed, once per run. */
    expirePredictions: stepOfRun<RunInput, { readonly segments: number }>({
      summary: 'delete predictions whose retention period has passed',
      proves: 'the monitor run is under way; the retention period is the one in the configuration',
    }),
  },
});
