import { shortDigest } from '../../contracts/identifiers.ts';
import { z } from 'zod';
import type { PermutationImportance } from '../../contracts/models/importance.ts';
import { RunStep } from '../../contracts/runs/run.ts';
import { TrainingKeyDifference } from '../../contracts/models/training-key-differences.ts';
import type { Output } from '../output.ts';
import { decimals } from '../verb.ts';

/** The API's explanation of a build. */
export const ShownExplanation = z
  .object({
    runId: z.string(),
    state: z.string(),
    decision: z.string().nullable(),
    reasons: z.array(z.string()),
    version: z.object({ number: z.number(), trainingKey: z.string() }).nullable(),
    reused: z.boolean().nullable(),
    refitOf: z.number().nullable(),
    ran: z.array(RunStep),
    comparedWith: z.object({ number: z.number(), as: z.string() }).nullable(),
    differences: z.array(TrainingKeyDifference),
    same: z.array(z.string()),
  })
  .loose();
type ShownExplanation = z.infer<typeof ShownExplanation>;

export function describeBuild(output: Output, told: ShownExplanation, why: boolean): string {
  const { version, decision, state, reasons, ran } = told;
  const steps = output.table(
    ['step', 'attempt', 'state', 'seconds'],
    ran.map(({ name, attempt, state: ended, startedAt, endedAt }) => [
      name,
      attempt,
      ended,
      endedAt === null ? '–' : ((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(1),
    ]),
    output.dataColours,
  );
  return [
    `build ${told.runId}: ${decision ?? state}${reasons.length === 0 ? '' : `: ${reasons.map((reason) => output.brief(reason)).join('; ')}`}`,
    ...(version === null ? [] : [`version ${version.number}, training key ${version.trainingKey}`]),
    madeHow(told),
    steps,
    ...(why ? differencesOf(output, told) : []),
  ].join('\n');
}

function madeHow({ reused, refitOf }: ShownExplanation): string {
  if (reused === null) return 'the build produced no version';
  const refit = refitOf === null ? '' : `; this version is the refit of version ${refitOf}, trained on the holdout too`;
  return `${reused ? 'reused: a version with this training key existed already, so nothing was trained' : 'trained'}${refit}`;
}

function differencesOf(output: Output, { comparedWith, differences, same }: ShownExplanation): string[] {
  if (comparedWith === null) return ['there is no previous version to compare with'];
  const other = `${comparedWith.as === 'champion' ? 'the champion' : 'the previous version'}, version ${comparedWith.number}`;
  if (differences.length === 0) return [`the training does not differ from that of ${other}`];
  const table = output.table(
    ['part', 'before', 'after'],
    differences.map(({ part, before, after }) => [part, shown(before), shown(after)]),
    output.dataColours,
  );
  return [`differences from ${other}:`, table, `the same: ${same.join(', ')}`];
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return shortDigest(value);
  return value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
}

const featuresShown = 20;

export function describeImportance(output: Output, importance: PermutationImportance | null): string[] {
  if (importance === null) return [];
  const { metric, rows, repeats, features, left, reason } = importance;
  const table = output.table(
    ['feature', `${metric} is worse by`, '±'],
    features
      .slice(0, featuresShown)
      .map(({ name, mean, deviation }) => [name, decimals(mean, 4), decimals(deviation, 4)]),
    output.dataColours,
  );
  return [
    `importance on ${rows} held-out rows, each feature shuffled ${repeats} times:`,
    table,
    ...(left.length === 0 ? [] : [`left out: ${left.slice(0, featuresShown).join(', ')} (${reason})`]),
  ];
}
