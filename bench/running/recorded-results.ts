import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MachineDescription } from './describe-machine.ts';
import { MeasureOutcome } from './bench-measure.ts';

const folder = join(import.meta.dirname, '..', 'results');

export const RecordedResult = z.object({
  schemaVersion: z.literal(1),
  measure: z.string(),
  /** The place of the measure among all. */
  order: z.number(),
  summary: z.string(),
  recordedAt: z.string(),
  /** Whether it is a result of the short form, with fewer rounds and smaller data. */
  short: z.boolean(),
  rounds: z.number(),
  secondsPerRound: z.number(),
  load: z.string(),
  machine: MachineDescription,
  outcome: MeasureOutcome,
});
export type RecordedResult = z.infer<typeof RecordedResult>;

/** Returns the committed result of a measure, or undefined if none has been recorded. */
export async function recordedResult(measure: string): Promise<RecordedResult | undefined> {
  const text = await readFile(join(folder, `${measure}.json`), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : RecordedResult.parse(JSON.parse(text));
}

export async function recordResult(result: RecordedResult): Promise<string> {
  const path = join(folder, `${result.measure}.json`);
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}
