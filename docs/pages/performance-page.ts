import { join } from 'node:path';
import { comparisonChart, inDigits, medianOfRounds } from './comparison-chart.ts';
import { code, generatedNote, markdownTable, page } from './markdown.ts';
import { performanceNotes } from './performance-notes.ts';
import {
  type RecordedComparison,
  type RecordedMeasure,
  recordedMeasures,
  type RecordedTarget,
} from './recorded-measures.ts';

const results = join(import.meta.dirname, '..', '..', 'bench', 'results');

/** Returns docs/performance.md and its charts, by path. */
export async function performancePages(): Promise<ReadonlyMap<string, string>> {
  const measures = await recordedMeasures(results);
  const charts = measures.flatMap((measure) =>
    measure.outcome.comparisons.map((comparison, at) => [chartPath(measure, at), comparisonChart(comparison)] as const),
  );
  return new Map([
    ['docs/performance.md', performancePage(measures)],
    ...charts.map(([path, svg]) => [`docs/${path}`, svg] as const),
  ]);
}

/** The path of a chart as the page names it. */
function chartPath({ measure }: RecordedMeasure, at: number): string {
  return `charts/${measure}-${at + 1}.svg`;
}

function performancePage(measures: readonly RecordedMeasure[]): string {
  return page(
    '# Performance',
    generatedNote('bench/results/'),
    'Each measure runs this system beside its floor (what the work costs without it) and beside named peers, in one run on one machine. Where contestants do the same work, they take turns in rounds, and a ratio is formed within each round; the table shows its median, minimum and maximum. Reports of drift are made once each; `memory` and `rollback` have no contestant. The figures themselves are those of one machine and say little about another. In the charts, a bar is the median and the line over it goes from the minimum to the maximum.',
    'To repeat a measure, run `npm run bench -- NAME`; `npm run bench -- --help` lists the options. The checks run a short form, which fails if a ratio falls below 0.7 of the value that is recorded here.',
    ...measures.flatMap(sectionOf),
  );
}

function sectionOf(recorded: RecordedMeasure): string[] {
  const { measure, summary, outcome } = recorded;
  return [
    `## ${measure}`,
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    performanceNotes[measure] ?? '',
    ...outcome.comparisons.flatMap((comparison, at) => [
      `![${comparison.name}](${chartPath(recorded, at)})`,
      latencies(comparison),
      ratios(comparison),
    ]),
    figures(recorded),
    ...outcome.notes,
    ...outcome.absent.map(({ name, reason }) => `${name} is absent: ${reason.replaceAll(/\s+/g, ' ')}`),
    provenance(recorded),
  ];
}

function ratios({ ratios: all }: RecordedComparison): string {
  if (all.length === 0) return '';
  return markdownTable(
    ['ratio', 'median', 'minimum', 'maximum', 'target', 'reached'],
    all.map(({ name, median, min, max, target }) => [
      name,
      inDigits(median),
      inDigits(min),
      inDigits(max),
      targetInWords(target),
      reached(median, target),
    ]),
  );
}

function latencies({ samples }: RecordedComparison): string {
  const rows = Object.entries(samples).flatMap(([name, rounds]) => {
    const [p50, p99] = [rounds.flatMap(({ p50Ms }) => p50Ms ?? []), rounds.flatMap(({ p99Ms }) => p99Ms ?? [])];
    return p50.length === 0 ? [] : [[name, inDigits(medianOfRounds(p50)), inDigits(medianOfRounds(p99))]];
  });
  return rows.length === 0 ? '' : markdownTable(['latency', 'p50 (ms)', 'p99 (ms)'], rows);
}

function figures({ outcome }: RecordedMeasure): string {
  if (outcome.figures.length === 0) return '';
  return markdownTable(
    ['figure', 'value', 'target', 'reached'],
    outcome.figures.map(({ name, value, unit, target }) => [
      name,
      `${inDigits(value)} ${unit}`,
      targetInWords(target),
      reached(value, target),
    ]),
  );
}

function targetInWords(target: RecordedTarget | undefined): string {
  if (target === undefined) return '';
  const sign = target.atMost === true ? '≤' : '≥';
  return `${sign} ${target.must}${target.aim === undefined ? '' : `, aim ${sign} ${target.aim}`}`;
}

function reached(value: number, target: RecordedTarget | undefined): string {
  if (target === undefined) return '';
  const is = (limit: number): boolean => (target.atMost === true ? value <= limit : value >= limit);
  if (!is(target.must)) return 'no';
  return target.aim !== undefined && is(target.aim) ? 'yes, and the aim' : 'yes';
}

function provenance({ recordedAt, short, rounds, secondsPerRound, load, machine, outcome }: RecordedMeasure): string {
  const { processor, cores, memoryGib, system, node, commit, loadAverage } = machine;
  const versions = Object.entries(outcome.versions).map(([name, version]) => `${name} ${version}`);
  return `${short ? 'The short form, with less data, r' : 'R'}ecorded on ${recordedAt.slice(0, 10)} at commit ${code(commit)}: ${processor}, ${cores} cores, ${memoryGib} GiB, ${system}, Node ${node}, ${[load, ...versions].join(', ')}; ${rounds} rounds of ${secondsPerRound} s. The load average of the machine before the run was ${inDigits(loadAverage)}, so ${loadAverage > cores / 2 ? 'other work was running' : 'little else was running'}.`;
}
