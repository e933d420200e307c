import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

// Nothing imports bench/, so this file states what it reads of the results that `npm run bench -- --record` writes.

const Target = z.object({ must: z.number(), aim: z.number().optional(), atMost: z.boolean().optional() });
const Ratio = z.object({
  name: z.string(),
  median: z.number(),
  min: z.number(),
  max: z.number(),
  target: Target.optional(),
});
const Round = z.object({ value: z.number(), p50Ms: z.number().optional(), p99Ms: z.number().optional() });
const Compared = z.object({
  name: z.string(),
  unit: z.string(),
  moreIsBetter: z.boolean(),
  samples: z.record(z.string(), z.array(Round)),
  ratios: z.array(Ratio),
});
const Outcome = z.object({
  comparisons: z.array(Compared),
  figures: z.array(z.object({ name: z.string(), value: z.number(), unit: z.string(), target: Target.optional() })),
  absent: z.array(z.object({ name: z.string(), reason: z.string() })),
  versions: z.record(z.string(), z.string()),
  notes: z.array(z.string()),
});
const Recorded = z.object({
  measure: z.string(),
  order: z.number(),
  summary: z.string(),
  recordedAt: z.string(),
  short: z.boolean(),
  rounds: z.number(),
  secondsPerRound: z.number(),
  load: z.string(),
  machine: z.object({
    processor: z.string(),
    cores: z.number(),
    memoryGib: z.number(),
    system: z.string(),
    node: z.string(),
    commit: z.string(),
    loadAverage: z.number(),
  }),
  outcome: Outcome,
});

export type RecordedMeasure = z.infer<typeof Recorded>;
export type RecordedComparison = z.infer<typeof Compared>;
export type RecordedTarget = z.infer<typeof Target>;

/** Returns the recorded results in the order in which the measures run. */
export async function recordedMeasures(folder: string): Promise<readonly RecordedMeasure[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => Recorded.parse(JSON.parse(text))).toSorted((a, b) => a.order - b.order);
}
