import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sha256OfJson } from '../../contracts/digest.ts';
import { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import { modelVersionWith } from '../../contracts/models/model-version.ts';
import type { RehearsalPeriod } from '../../contracts/runs/rehearsal.ts';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import { LedgerEntry } from '../../contracts/ledger/ledger-entry.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';

// Rehearses the policy of examples/bike-demand on its first six months, and compares the results with those of pandas
// and scikit-learn.

const Reference = z.object({
  initial: z.object({ training_rows: z.number(), holdout_rows: z.number(), holdout_rmse: z.number() }),
  periods: z.array(
    z.object({
      period: z.string(),
      rows: z.number(),
      rmse_as_served: z.number(),
      rmse_never_replaced: z.number(),
      build_at_period_end: z
        .object({
          training_rows: z.number(),
          holdout_rows: z.number(),
          challenger_holdout_rmse: z.number(),
          champion_holdout_rmse: z.number(),
          gain: z.number(),
          decision: z.enum(['promoted', 'refused']),
          reasons: z.array(z.string()),
        })
        .optional(),
    }),
  ),
});
const reference = Reference.parse(
  JSON.parse(readFileSync(new URL('reference/rehearsal.json', import.meta.url), 'utf8')),
);

/** The fields of `demo --json` that other programs read. */
const Told = z
  .object({
    rehearsal: z.string(),
    metricAsServed: z.number(),
    metricNeverReplaced: z.number(),
    promoted: z.number(),
    refused: z.number(),
    periods: z.number(),
    seconds: z.number().positive(),
  })
  .loose();

const periods = 6;
const minutes = 60_000;

let stack: EmbeddedStack;
let told: z.infer<typeof Told>;
let rehearsal: z.infer<typeof Rehearsal>;
beforeAll(async () => {
  stack = await startStackOfRun();
  told = await stack.json(Told, ['demo', '--periods', String(periods)]);
  rehearsal = await stack.get(Rehearsal, `/v1/rehearsals/${told.rehearsal}`);
}, 6 * minutes);
afterAll(() => stack?.end());

/** Returns each period of the rehearsal together with the period of the reference. */
function pairs(): readonly {
  readonly period: RehearsalPeriod;
  readonly expected: z.infer<typeof Reference>['periods'][number];
}[] {
  return reference.periods.slice(0, periods).map((expected, index) => {
    const period = rehearsal.periods[index];
    if (period === undefined) throw new Error(`the rehearsal has no period ${index}`);
    return { period, expected };
  });
}

test("every period has the reference's metric as served, and the reference's metric of the first model", () => {
  expect(rehearsal.periods).toHaveLength(periods);
  for (const { period, expected } of pairs()) {
    expect(period.label).toBe(expected.period);
    expect(period.rows, period.label).toBe(expected.rows);
    expect(Math.abs((period.metricAsServed ?? 0) - expected.rmse_as_served), period.label).toBeLessThan(0.1);
    expect(Math.abs((period.metricNeverReplaced ?? 0) - expected.rmse_never_replaced), period.label).toBeLessThan(0.1);
  }
});

test('every build decides as the reference does, for the same reasons and on the same rows', () => {
  for (const { period, expected } of pairs().slice(0, periods - 1)) {
    const build = period.build;
    const wanted = expected.build_at_period_end;
    if (wanted === undefined) throw new Error(`the reference has no build for ${expected.period}`);
    expect(build, period.label).toMatchObject({
      decision: wanted.decision,
      reasons: wanted.reasons,
      trainingRows: wanted.training_rows,
      holdoutRows: wanted.holdout_rows,
    });
    expect(Math.abs((build?.challengerMetric ?? 0) - wanted.challenger_holdout_rmse), period.label).toBeLessThan(0.1);
    expect(Math.abs((build?.championMetric ?? 0) - wanted.champion_holdout_rmse), period.label).toBeLessThan(0.1);
    expect(Math.abs((build?.gain ?? 0) - wanted.gain), period.label).toBeLessThan(0.002);
  }
});

test('no build follows the last period, and exactly one follows each other period', () => {
  expect(rehearsal.periods.at(-1)?.build).toBeNull();
  const builds = rehearsal.periods.flatMap((period) => period.build?.runId ?? []);
  expect(new Set(builds).size).toBe(periods - 1);
});

test('each build names its dataset, version, evaluation and release by their digests', async () => {
  const where = `environment=${rehearsal.environment}`;
  const datasets = await stack.get(
    z.object({ items: z.array(DatasetVersion) }),
    `/v1/models/bike-demand/datasets?${where}&limit=200`,
  );
  for (const { build, label } of rehearsal.periods) {
    if (build === null) continue;
    const version = await stack.get(
      modelVersionWith({ evaluations: z.array(Evaluation) }),
      `/v1/models/bike-demand/versions/${build.modelVersion}?${where}`,
    );
    expect(version.artifact, label).toBe(build.artifact);
    const dataset = datasets.items.find(({ id }) => id === version.datasetVersionId);
    expect(dataset?.digest, label).toBe(build.dataset);
    expect(dataset && sha256OfJson(dataset.manifest), label).toBe(build.dataset);
    expect(sha256OfJson(version.trainingKeyParts), label).toBe(version.trainingKey);
    const evaluation = version.evaluations.find(({ digest }) => digest === build.evaluation);
    expect(evaluation && sha256OfJson(evaluation.body), label).toBe(build.evaluation);
    if (build.decision === 'promoted') expect(build.release, label).toMatch(/^[0-9a-f]{64}$/);
    else expect(build.release, label).toBeNull();
  }
});

test('the demo prints its result in one object, and keeps the stack running', async () => {
  const { metricAsServed, metricNeverReplaced, promoted, refused } = rehearsal.summary ?? {};
  expect(told).toMatchObject({ periods, metricAsServed, metricNeverReplaced, promoted, refused });
  expect((await stack.perennial(['status'])).code).toBe(0);
});

test('production is unchanged', async () => {
  const { generation } = await stack.get(
    z.object({ generation: z.unknown() }).loose(),
    '/v1/models/bike-demand/deployments?environment=production',
  );
  expect(generation).toBeNull();
});

test("the ledger names the rehearsal's principal as the approver of every deployment", async () => {
  const Entry = LedgerEntry.extend({ principalName: z.string() });
  const { items } = await stack.get(
    z.object({ items: z.array(Entry) }).loose(),
    `/v1/ledger?model=bike-demand&environment=${rehearsal.environment}&kind=approval.voted&limit=200`,
  );
  const promoted = rehearsal.periods.filter(({ build }) => build?.decision === 'promoted').length;
  // The first model was approved as well.
  expect(items).toHaveLength(promoted + 1);
  for (const entry of items) expect(entry.principalName).toBe(`rehearsal-${rehearsal.id}`);
});
