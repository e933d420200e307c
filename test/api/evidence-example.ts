import type { Approval } from '../../contracts/approval.ts';
import type { EvidenceDetails } from '../../contracts/approval-evidence.ts';

const digest = (letter: string): string => letter.repeat(64);
const id = (last: number): string => `0193e2c8-0000-7000-8000-${String(last).padStart(12, '0')}`;
const metrics = (rows: number, rmse: number) => ({
  task: 'regression' as const,
  rows,
  rmse,
  mae: rmse * 0.71,
  r2: 1 - rmse / 190,
  mape: rmse / 420,
  medianAbsoluteError: rmse * 0.48,
});

/** A request that a champion's place is wanted for, with something in every part of it. */
export const exampleApproval: Approval = {
  id: id(1),
  modelId: id(2),
  project: 'default',
  model: 'bike-demand',
  environment: 'production',
  runId: id(3),
  digest: digest('d'),
  subject: {
    schemaVersion: 1,
    release: digest('e'),
    environment: 'production',
    strategy: {
      canary: [10, 50, 100],
      bake: '5m',
      minRequests: 50,
      onInsufficient: 'extend',
      shadow: { bake: '10m', minRows: 200, tolerance: 25, maxShareBeyond: 0.2, maxFailed: 0.01 },
      abortOn: { errorRate: 0.01, p99Ms: 50, metric: { name: 'rmse', max: 150, minLabels: 30 } },
    },
    policy: { votes: 2, roles: ['approver'], requesterMayVote: false, expires: '72h' },
    champion: digest('c'),
  },
  evidence: {
    schemaVersion: 1,
    modelVersion: 7,
    championVersion: 5,
    dataset: 9,
    code: 3,
    rollbackTarget: digest('c'),
    evaluation: {
      schemaVersion: 1,
      modelVersionDigest: digest('a'),
      championVersionDigest: digest('b'),
      holdout: digest('f'),
      metric: 'rmse',
      challenger: metrics(336, 92.418),
      challengerInterval: { confidence: 0.9, low: 84.1, high: 101.7 },
      champion: metrics(336, 103.952),
      gain: 0.111,
      gainInterval: { confidence: 0.9, low: 0.042, high: 0.176 },
      slices: [
        { column: 'workingday', value: '1', challenger: metrics(240, 88.9), champion: metrics(240, 97.2) },
        { column: 'workingday', value: '0', challenger: metrics(96, 101.6), champion: metrics(96, 118.4) },
      ],
      gates: [
        { gate: 'rmse max 150', verdict: 'pass', value: 92.418, threshold: 150, n: 336, reason: '' },
        { gate: 'rmse versus champion, minGain 0', verdict: 'pass', value: 0.042, threshold: 0, n: 336, reason: '' },
        {
          gate: 'rmse for workingday=0 max 200',
          verdict: 'not-applicable',
          value: 101.6,
          threshold: 200,
          n: 96,
          reason: 'workingday=0 has 96 rows, fewer than 100: reported, decides nothing',
        },
      ],
      verdict: 'candidate',
      reasons: [],
    },
  },
  status: 'pending',
  requestedBy: id(4),
  expiresAt: '2012-07-04T00:00:00.000Z',
  votes: [
    {
      id: id(5),
      approvalId: id(1),
      principalId: id(6),
      principalName: 'ann',
      decision: 'approve',
      digest: digest('d'),
      comment: 'the gain holds on every slice',
      recordedAt: '2012-07-01T09:12:00.000Z',
      effectiveAt: '2012-07-01T09:12:00.000Z',
    },
  ],
  recordedAt: '2012-07-01T00:00:00.000Z',
  effectiveAt: '2012-07-01T00:00:00.000Z',
  decidedAt: null,
};

export const exampleDetails: EvidenceDetails = {
  schemaVersion: 1,
  changedRows: {
    kind: 'difference',
    compared: 336,
    changed: 336,
    meanDifference: 21.46,
    rows: Array.from({ length: 10 }, (_, row) => ({
      at: `2012-06-${20 + row}T17:00:00.000Z`,
      key: 13_000 + row,
      truth: 610 + row,
      champion: 402.25 + row,
      challenger: 588.5 - row,
      features: { season: 3, mnth: 6, hr: 17, holiday: 0, workingday: 1, weathersit: 1, temp: 0.74, hum: 0.48 },
    })),
  },
  data: {
    from: 8,
    to: 9,
    rowsBefore: 12_890,
    rows: 13_610,
    rowsAdded: 720,
    rowsRemoved: 0,
    columnsAdded: [],
    columnsRemoved: [],
    columnsChanged: [],
    compared: {
      key: 'instant',
      rows: { added: 720, removed: 0, changed: 3, unchanged: 12_887 },
      changedBy: [{ column: 'hum', rows: 3 }],
      shifts: [
        {
          column: 'temp',
          psi: 0.0412,
          mean: { before: 0.49, after: 0.51 },
          standardisedDifference: 0.1031,
          nulls: { before: 0, after: 0 },
        },
        {
          column: 'hum',
          psi: 0.0021,
          mean: { before: 0.62, after: 0.63 },
          standardisedDifference: 0.0502,
          nulls: { before: 2, after: 2 },
        },
      ],
      columns: 17,
    },
  },
  code: {
    from: 2,
    to: 3,
    files: [
      {
        path: 'train.py',
        change: 'changed',
        lines: [
          '@@ -12,7 +12,7 @@',
          ' model = HistGradientBoostingRegressor(',
          '-    max_depth=6,',
          '+    max_depth=8,',
          '     max_iter=params["max_iter"],',
          ' )',
        ],
      },
    ],
  },
  parameters: [{ name: 'max_iter', before: '200', after: '300' }],
  dependencies: [{ name: 'scikit-learn', before: '1.9.0', after: '1.9.1' }],
  configuration: [{ name: 'build.params.max_iter', before: '200', after: '300' }],
  lineage: {
    dataset: { number: 9, digest: digest('1') },
    code: { number: 3, digest: digest('2'), recordedBy: 'bo', commit: '4f1c9e2' },
    configuration: { number: 4, digest: digest('3') },
    modelVersion: { number: 7, artifact: digest('a'), trainingKey: digest('4'), seed: 0 },
    trained: {
      from: '2012-01-01T05:00:00.000Z',
      to: '2012-07-01T04:00:00.000Z',
      trainingRows: 4_007,
      holdoutRows: 336,
    },
    evaluation: { digest: digest('5'), environment: 'production' },
  },
  missing: [],
};
