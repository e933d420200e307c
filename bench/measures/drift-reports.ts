import { join } from 'node:path';
import { z } from 'zod';
import { layDriftGround } from '../ground/drift-ground.ts';
import { pythonWith } from '../ground/python-environment.ts';
import { Absent, type BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure, Figure, MeasureOutcome, RoundSample } from '../running/bench-measure.ts';
import { ratioOf, threeDigits } from '../running/compare-in-rounds.ts';
import { runToEnd } from '../running/start-program.ts';

const peerFolder = join(import.meta.dirname, '..', 'peers', 'evidently');
const Made = z.object({ seconds: z.number(), version: z.string(), scores: z.record(z.string(), z.number()) });
const Statistics = z.record(
  z.string(),
  z.object({ ks: z.number(), ksPValue: z.number(), distance: z.number(), deviation: z.number() }),
);
type Scores = Readonly<Record<string, number>>;

export const driftReports: BenchMeasure = {
  name: 'drift',
  summary: 'drift of 20 features between two sets of rows, from Parquet to the report, beside Evidently',
  takes: '15 min',
  inShortForm: false,
  async run(bench) {
    const rows = bench.short ? 100_000 : 1_000_000;
    const ground = await layDriftGround(bench, rows);
    const samples: Record<string, RoundSample[]> = {};
    const ours = async (
      name: string,
      test: string,
      estimate = false,
    ): Promise<Awaited<ReturnType<typeof ground.report>>> => {
      const made = await ground.report(test, estimate);
      samples[name] = [{ value: made.seconds }];
      bench.say(`  ${name}: ${threeDigits(made.seconds)} s`);
      return made;
    };
    // The peer's reports estimate no losses, so those that are compared with them do not either.
    const ks = await ours('perennial, KS', 'ks');
    const wasserstein = await ours('perennial, Wasserstein', 'wasserstein');
    await ours('perennial, PSI', 'psi');
    await ours('perennial, PSI and estimated losses', 'psi', true);
    const peer = await besideEvidently(bench, ground.folder);
    for (const { name, seconds } of peer.made) samples[name] = [{ value: seconds }];
    const target = { must: 20, aim: 40 };
    const ratios = [
      { name: 'Evidently, PSI / perennial, PSI', of: 'Evidently, PSI', over: 'perennial, PSI', target },
      {
        name: 'Evidently, default (Wasserstein) / perennial, Wasserstein',
        of: 'Evidently, default',
        over: 'perennial, Wasserstein',
        target,
      },
    ].flatMap((wanted) => ratioOf(samples, wanted) ?? []);
    const statisticOf = Object.fromEntries(ks.values.map(({ column, statistic }) => [column, statistic]));
    const pValueOf = Object.fromEntries(ks.values.map(({ column, pValue }) => [column, pValue ?? Number.NaN]));
    const distanceOf = Object.fromEntries(wasserstein.values.map(({ column, statistic }) => [column, statistic]));
    return {
      comparisons: [
        {
          name: `a report on ${rows.toLocaleString('en')} × 20`,
          unit: 's',
          moreIsBetter: false,
          samples,
          ratios,
        },
      ],
      figures: peer.figures(statisticOf, pValueOf, distanceOf),
      absent: peer.absent,
      versions: peer.versions,
      notes: [],
    };
  },
};

interface Beside {
  readonly made: readonly { readonly name: string; readonly seconds: number }[];
  readonly absent: MeasureOutcome['absent'];
  readonly versions: Readonly<Record<string, string>>;
  /** The largest differences of our statistics, p-values and distances from those of the peer and of SciPy. */
  figures(statistics: Scores, pValues: Scores, distances: Scores): Figure[];
}

async function besideEvidently(bench: BenchContext, folder: string): Promise<Beside> {
  try {
    const python = await pythonWith(bench, join(peerFolder, 'requirements.lock'));
    const make = async (method: string) => {
      const made = await runToEnd(bench, python, [join(peerFolder, 'drift_report.py'), folder, method]);
      const parsed = Made.parse(JSON.parse(made.trim().split('\n').at(-1) ?? ''));
      bench.say(`  Evidently, ${method}: ${threeDigits(parsed.seconds)} s`);
      return parsed;
    };
    const [psi, usual, ks, wasserstein] = [
      await make('psi'),
      await make('default'),
      await make('ks'),
      await make('wasserstein'),
    ];
    const scipy = Statistics.parse(
      JSON.parse(await runToEnd(bench, python, [join(peerFolder, 'scipy_reference.py'), folder])),
    );
    const ofScipy = (pick: (statistics: (typeof scipy)[string]) => number): Scores =>
      Object.fromEntries(Object.entries(scipy).map(([column, statistics]) => [column, pick(statistics)]));
    return {
      made: [
        { name: 'Evidently, PSI', seconds: psi.seconds },
        { name: 'Evidently, default', seconds: usual.seconds },
      ],
      absent: [],
      versions: { Evidently: psi.version },
      figures: (statistics, pValues, distances) => [
        farthest(
          'KS statistic from SciPy',
          statistics,
          ofScipy(({ ks: statistic }) => statistic),
        ),
        farthest(
          'KS p-value from SciPy',
          pValues,
          ofScipy(({ ksPValue }) => ksPValue),
        ),
        farthest('KS p-value from Evidently', pValues, ks.scores),
        farthest(
          'Wasserstein distance from SciPy',
          distances,
          ofScipy((found) => found.distance / found.deviation),
        ),
        farthest('Wasserstein distance from Evidently', distances, wasserstein.scores),
      ],
    };
  } catch (caught) {
    if (!(caught instanceof Absent)) throw caught;
    const absent = [{ name: 'Evidently', reason: caught.message.slice(0, 500) }];
    return { made: [], absent, versions: {}, figures: () => [] };
  }
}

function farthest(name: string, ours: Scores, theirs: Scores): Figure {
  const differences = Object.entries(theirs).map(([column, value]) => Math.abs((ours[column] ?? Number.NaN) - value));
  return {
    name: `largest difference of the ${name}`,
    value: Math.max(...differences),
    unit: '',
    target: { must: 1e-9, atMost: true },
  };
}
