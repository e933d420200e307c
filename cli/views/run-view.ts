import type { Run, RunStep } from '../../contracts/runs/run.ts';
import { describeOutcome, isFinal } from '../../contracts/runs/run.ts';
import type { Colours } from './colours.ts';
import { describeDataWarnings } from './data-warnings-view.ts';

/** One line of a live view. It is cut to the terminal's width before it is painted. */
export interface ViewLine {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
}

const barWidth = 12;

/** Returns the step that a run is at, or what it waits for. */
export function stepOf(run: Run): string {
  if (run.state === 'running') return run.steps.findLast(({ state }) => state === 'running')?.name ?? 'running';
  return run.state === 'awaiting-approval' ? `waits for approval ${run.approvalId}` : run.state;
}

export function progressOf({ progress }: Run): string {
  if (progress === null) return '';
  const filled = Math.round(Math.min(1, Math.max(0, progress.fraction)) * barWidth);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
  return `${bar} ${Math.round(progress.fraction * 100)} % ${progress.message}`.trimEnd();
}

/**
 * Formats the duration from `from` to `to`, or to `now` if it is still going on: `0.4 s`, `14 s`, `2 min 05 s`, `3 h 20
 * min`.
 */
export function elapsed(from: string | null | undefined, to: string | null | undefined, now: number): string {
  if (from === null || from === undefined) return '';
  const ms = (to === null || to === undefined ? now : Date.parse(to)) - Date.parse(from);
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`;
}

export function elapsedOf(run: Run, now: number): string {
  if (run.state === 'queued') return '';
  return elapsed(run.startedAt, isFinal(run.state) && 'endedAt' in run ? run.endedAt : null, now);
}

/** Describes the outcome of a run in a sentence. */
export function outcomeOf(run: Run): string {
  if (run.state === 'failed') return `${run.failure.code}: ${run.failure.message}`;
  if (run.state === 'cancelled') return run.reason === '' ? 'cancelled' : `cancelled: ${run.reason}`;
  if (run.state !== 'succeeded') return stepOf(run);
  return describeOutcome(run.outcome);
}

/** Returns the warnings and guesses of a data run that succeeded, one line each. */
export function warningsOf(run: Run): string[] {
  if (run.state !== 'succeeded' || run.outcome.kind !== 'data') return [];
  return describeDataWarnings(run.outcome.warnings ?? []);
}

/** Returns all runs as a table: unfinished ones first, then the newest. */
export function viewOfRuns(runs: readonly Run[], colours: Colours, now: number): ViewLine[] {
  const ordered = [...runs.filter(({ state }) => !isFinal(state)), ...runs.filter(({ state }) => isFinal(state))];
  const cells = ordered.map((run) => [
    run.id,
    `${run.model}/${run.environment}`,
    run.request.kind,
    run.state,
    elapsedOf(run, now),
    isFinal(run.state) ? outcomeOf(run) : `${run.state === 'running' ? stepOf(run) : ''} ${progressOf(run)}`.trim(),
  ]);
  const [head = '', ...lines] = aligned([['run', 'where', 'kind', 'state', 'took', 'step or outcome'], ...cells]);
  return [
    { text: head, paint: (text) => colours.bold(text) },
    ...lines.map((text, index) => ({ text, paint: paintOf(ordered[index]?.state, colours) })),
  ];
}

/** Returns one run: its steps with their times, its progress, and the last lines of its log. */
export function viewOfRun(run: Run, log: readonly string[], colours: Colours, now: number): ViewLine[] {
  const title = `${run.request.kind} of ${run.model}/${run.environment} (${run.because})  ${run.state}  ${elapsedOf(run, now)}`;
  const [head = '', ...steps] = aligned([
    ['step', 'attempt', 'state', 'took', ''],
    ...run.steps.map((step) => stepCells(step, now)),
  ]);
  const progress = progressOf(run);
  return [
    { text: title.trimEnd(), paint: (text) => colours.bold(text) },
    ...(run.steps.length === 0 ? [] : [{ text: head, paint: (text: string) => colours.bold(text) }]),
    ...steps.map((text, index) => ({ text, paint: paintOf(run.steps[index]?.state, colours) })),
    ...(isFinal(run.state) || progress === '' ? [] : [{ text: progress }]),
    ...warningsOf(run).map((text) => ({ text, paint: (line: string) => colours.yellow(line) })),
    ...log.map((text) => ({ text, paint: (line: string) => colours.dim(line) })),
  ];
}

function stepCells(step: RunStep, now: number): string[] {
  return [step.name, String(step.attempt), step.state, elapsed(step.startedAt, step.endedAt, now), step.detail];
}

function paintOf(state: string | undefined, colours: Colours): ((text: string) => string) | undefined {
  if (state === 'failed') return (text) => colours.red(text);
  if (state === 'running') return (text) => colours.cyan(text);
  if (state === 'awaiting-approval') return (text) => colours.yellow(text);
  return state === 'queued' ? undefined : (text) => colours.dim(text);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, column) => cell.replaceAll(/\s+/g, ' ').padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
