import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { estimateFrom, estimationOf } from '../../activities/measurement/estimation.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { createReportWindow } from '../../activities/monitoring/report-window.ts';
import { storeJson } from '../../activities/steps/workspace.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { Estimation, MonitoringReference } from '../../contracts/models/model-version.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import { answerOf } from '../../gateway/protocols/answers.ts';
import type { MulticlassSample } from '../../statistics/metrics/sample.ts';
import published from '../statistics/reference/nannyml.json' with { type: 'json' };
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';
import { expectNearly } from '../support/nearly.ts';
import { beginRun, seedVersion } from '../support/seed-candidate.ts';

// NannyML's credit card example, used both as a holdout and as a gateway's prediction log.

const { classes, reference: holdoutRows, windows } = published.creditCards;
const window = windows[0]!;
const shares = (row: readonly number[]) => [row[0]! / 100, row[1]! / 100, (100 - row[0]! - row[1]!) / 100];

function holdout(): MulticlassSample {
  const each = holdoutRows.flatMap((row) =>
    row.slice(3).flatMap((count, truth) => Array.from({ length: count }, () => ({ row, truth }))),
  );
  return {
    task: 'multiclass',
    classes,
    truth: Int32Array.from(each, ({ truth }) => truth),
    decision: Int32Array.from(each, ({ row }) => row[2]!),
    probabilities: Float64Array.from(each.flatMap(({ row }) => shares(row))),
  };
}

/** Learns an estimation and reads it back from JSON, as it is stored. */
function learnt(sample: MulticlassSample): Estimation | undefined {
  const estimation = estimationOf(sample, [], []);
  return estimation === undefined ? undefined : Estimation.parse(JSON.parse(JSON.stringify(estimation)));
}

const whole = holdout();
const few: MulticlassSample = {
  task: 'multiclass',
  classes: ['a', 'b'],
  truth: Int32Array.from({ length: 200 }, (_, row) => row % 2),
  decision: Int32Array.from({ length: 200 }, (_, row) => (row % 4 === 0 ? 1 : row % 2)),
  probabilities: Float64Array.from({ length: 400 }, (_, at) =>
    at % 8 === 0 || at % 8 === 7 ? 0.9 : at % 8 === 1 || at % 8 === 6 ? 0.1 : 0.5,
  ),
};
const estimate = (estimation: Estimation | undefined, sample: MulticlassSample) =>
  estimation === undefined || estimation.kind === 'dle' ? null : estimateFrom(estimation, sample);

describe('what is learnt from the holdout', () => {
  test('is nothing without probabilities, and nothing with fewer than a hundred rows', () => {
    expect(learnt({ ...few, probabilities: null })).toBeUndefined();
    const { truth, decision, probabilities } = few;
    const first = {
      truth: truth.slice(0, 99),
      decision: decision.slice(0, 99),
      probabilities: probabilities!.slice(0, 198),
    };
    expect(learnt({ ...few, ...first })).toBeUndefined();
    expect(learnt(few)).toMatchObject({ kind: 'cbpe-multiclass', rows: 200, classes: ['a', 'b'] });
  });
  test("allows estimates of every metric of the task, whatever the order of the model's classes", () => {
    const estimation = learnt(few);
    const here = estimate(estimation, few)!;
    expect(here.metrics.map(({ name }) => name)).toEqual(['accuracy', 'macroF1', 'weightedF1', 'logLoss', 'rocAuc']);
    const turned = {
      ...few,
      classes: ['b', 'a'],
      decision: few.decision.map((place) => 1 - place),
      probabilities: few.probabilities!.map((_share, at, all) => all[at % 2 === 0 ? at + 1 : at - 1]!),
    };
    expect(estimate(estimation, turned)).toEqual(here);
  });
  test('allows no estimate for a class that the holdout has never seen, nor without probabilities', () => {
    const estimation = learnt(few);
    const wider = Float64Array.from({ length: 600 }, () => 1 / 3);
    expect(estimate(estimation, { ...few, classes: ['a', 'b', 'c'], probabilities: wider })).toBeNull();
    expect(estimate(estimation, { ...few, probabilities: null })).toBeNull();
  });
  test('uses the raw probability of a class that only the holdout has, and gives it an even ROC AUC', () => {
    const surprised = {
      ...few,
      classes: ['a', 'b', 'c'],
      truth: few.truth.map((place, row) => (row % 10 === 0 ? 2 : place)),
    };
    const padded = Float64Array.from({ length: 600 }, (_, at) =>
      at % 3 === 2 ? 0 : few.probabilities![Math.floor(at / 3) * 2 + (at % 3)]!,
    );
    const told = estimate(learnt({ ...surprised, probabilities: padded }), few)!;
    const values = Object.fromEntries(told.metrics.map(({ name, value }) => [name, value]));
    expect(values['accuracy']).toBeLessThan(estimate(learnt(few), few)!.metrics[0]!.value);
    expect(values['rocAuc']).toBeGreaterThan(0.5);
  });
});

// The model's class order, which is not alphabetical.
const ofModel = ['upmarket_card', 'prepaid_card', 'highstreet_card'];
const input: ConfigurationInput = {
  ...bikeInput,
  name: 'cards',
  task: 'multiclass',
  build: { ...bikeInput.build, metric: 'macroF1' },
  monitor: { performance: { metric: 'macroF1', min: 0.8, estimated: true } },
  retrain: { on: ['performance'] },
};

describe('a window without labels of a model with three classes', () => {
  let api: TestApi;
  let body: ReportBody;
  const unanswered = 40;
  beforeAll(async () => {
    api = await startTestApi();
    body = await reported();
  });
  afterAll(() => api?.stop());

  /** Stores what a gateway would have logged as a sealed segment, and returns its report. */
  async function reported(): Promise<ReportBody> {
    const { repositories, objectStore, tableEngine, folder, principals } = api;
    const by = principals.operator;
    const { scope } = await repositories.models.apply('default', 'production', Configuration.parse(input), by);
    const said = Array.from(whole.decision, (place) => classes[place]!);
    const reference = MonitoringReference.parse({
      schemaVersion: 1,
      features: [],
      target: referenceOf('cnt', said),
      prediction: referenceOf('prediction', said),
      estimation: estimationOf(whole, [], []),
    });
    const { version, evaluation } = await seedVersion(repositories, scope, by, {
      seed: 1,
      reference: await storeJson(objectStore, reference),
      signature: {
        schemaVersion: 1,
        layout: 'columns',
        inputs: [{ name: 'temp', type: 'FP32' }],
        output: { name: 'label', type: 'BYTES' },
        classes: ofModel,
        probabilities: { name: 'probabilities', type: 'FP32', width: 3 },
      },
    });
    const deploy = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
    const deployRun = await beginRun(repositories, scope, deploy, by);
    const release = await repositories.deployments.makeRelease(scope, evaluation.id, { runId: deployRun, by });
    const [from, to] = ['2020-09-01T00:00:00.000Z', '2020-10-01T00:00:00.000Z'];
    const inFolder = (name: string) => join(folder, name);
    const paths = {
      ndjson: inFolder('segment.ndjson'),
      path: inFolder('segment.parquet'),
      indexPath: inFolder('index.ndjson'),
    };
    await writeFile(paths.ndjson, logged(release.digest, version.number));
    const sealed = await tableEngine.sealSegment({ ...paths, features: ['temp'] });
    expect(sealed.rows).toBe(6000 + unanswered);
    const { sha256 } = await objectStore.putFile(paths.path);
    const { id: configurationId } = await repositories.models.currentConfiguration(scope);
    const monitored: MonitoringWindow = {
      schemaVersion: 1,
      from,
      to,
      configurationId,
      championReleaseId: release.id,
      championVersionId: version.id,
      segments: [sha256],
      dropped: 0,
    };
    const runId = await beginRun(repositories, scope, { kind: 'monitor', schemaVersion: 1, asOf: to }, by);
    const reportWindow = createReportWindow({
      repositories,
      objectStore,
      tableEngine,
      scratchFolder: join(folder, 'scratch'),
    });
    await reportWindow({ runId, scope, window: await storeJson(objectStore, monitored) });
    return (await repositories.monitoring.reports(scope, { limit: 1 })).items[0]!.body;
  }

  function logged(release: string, modelVersion: number): string {
    const answered = window.rows.flatMap((row) => Array.from({ length: row[3]! }, () => row));
    const rows = [...answered, ...answered.slice(0, unanswered)];
    const answers = {
      rows: rows.length,
      values: rows.map((row) => classes[row[2]!]!),
      probabilities: Float64Array.from(
        rows.flatMap((row) => ofModel.map((name) => shares(row)[classes.indexOf(name)]!)),
      ),
      vectors: {},
      failures: Array.from({ length: unanswered }, (_, at) => ({
        row: answered.length + at,
        reason: 'it has no answer',
      })),
    };
    const at = '2020-09-02T00:00:00.000Z';
    return rows
      .map((_, row) => {
        const record: PredictionRecord = {
          v: 1,
          id: `row-${row}`,
          eventTime: at,
          recordedAt: at,
          release,
          modelVersion,
          generation: 1,
          role: 'champion',
          replay: false,
          features: { temp: 1 },
          ...answerOf(answers, row),
        };
        return `${JSON.stringify(record)}\n`;
      })
      .join('');
  }

  test('has the estimates that NannyML’s tutorial prints, computed from the logged probabilities', () => {
    expect(body).toMatchObject({ performance: null, labelled: 0 });
    expect(body.estimate).toMatchObject({ method: 'cbpe', rows: 6000, referenceRows: 60_000 });
    const metrics = new Map(body.estimate!.metrics.map((metric) => [metric.name, metric]));
    for (const name of ['accuracy', 'macroF1'] as const) {
      expectNearly(metrics.get(name)!.value, window.eachCalibrated[name], name);
      expectNearly(metrics.get(name)!.samplingError, window.samplingError[name], name);
    }
    expect(metrics.get('rocAuc')!.value).toBeCloseTo(window.eachCalibrated.rocAuc, 5);
  });

  test('counts the rows without a prediction, which change no estimate', () => {
    expect(body).toMatchObject({ predictions: 6000 + unanswered, estimate: { rows: 6000 } });
    expect(body.quality).toMatchObject([{ column: 'prediction', kind: 'failed', value: unanswered / 6040 }]);
  });

  test('opens a finding that is marked as estimated, and a trigger', () => {
    expect(body.findings).toMatchObject([
      { kind: 'performance', subject: 'macroF1 (estimated)', state: 'opened', threshold: 0.8 },
    ]);
    expectNearly(body.findings[0]!.value, window.eachCalibrated.macroF1, 'macroF1');
    expect(body.triggers).toEqual(['performance']);
  });

  test("shows the estimates on its page, by the model's main metric", async () => {
    const { status, text } = await api.send('viewer', 'GET /v1/models/cards/reports/latest/page.html');
    expect(status).toBe(200);
    expect(text).toContain('macroF1 of each window');
    expect(text).toMatch(/0\.7533\d* ± 0\.00565/);
    expect(text).toContain('confidence-based performance estimation (CBPE)');
    expect(text).toContain('macroF1 (estimated)');
    // The estimate appears in the chart with its error, and in the tile that labels will fill later.
    expect(text).toMatch(/<line class="estimated"/);
    expect(text).toMatch(/estimated: 0\.7533 ± 0\.00565 at /);
    expect(text).toMatch(/0\.7533<\/b><span>macroF1, estimated/);
  });
});
