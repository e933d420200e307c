import { setTimeout as pause } from 'node:timers/promises';
import { isFinal, Run } from '../../contracts/runs/run.ts';
import type { RehearsalPeriod } from '../../contracts/runs/rehearsal.ts';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { mustHaveSucceeded, patiently } from './follow-run.ts';
import { whileWaitingFor } from './interruption.ts';
import { stepOf } from '../views/run-view.ts';
import { decimals } from '../verb.ts';

const pollMs = 500;
export type FinishedRehearsal = Rehearsal & { summary: NonNullable<Rehearsal['summary']> };

/** Prints each period when it is over. Returns the finished rehearsal. */
export function followRehearsal(
  context: CliContext,
  api: ApiClient,
  rehearsalId: string,
  runId: string,
): Promise<FinishedRehearsal> {
  const { output } = context;
  const begun = Date.now();
  return whileWaitingFor({ id: runId, kind: 'rehearsal' }, async (signal) => {
    for (let told = 0; ;) {
      // The run is read first: if it is over, the rehearsal that is read afterwards is complete.
      const run = await patiently(context, () => api.get(`/v1/runs/${runId}`, Run), signal);
      const rehearsal = await patiently(context, () => api.get(`/v1/rehearsals/${rehearsalId}`, Rehearsal), signal);
      for (const period of rehearsal.periods.slice(told))
        output.note(describePeriod(context, period, rehearsal.metric));
      told = rehearsal.periods.length;
      if (isFinal(run.state)) {
        output.done();
        mustHaveSucceeded(run);
        if (rehearsal.summary === null) throw new Error(`rehearsal ${rehearsalId} ended without a summary`);
        return { ...rehearsal, summary: rehearsal.summary };
      }
      output.progress(
        `${told} periods finished; current step: ${stepOf(run)} (${Math.round((Date.now() - begun) / 1000)} s)`,
      );
      await pause(pollMs, undefined, { signal });
    }
  });
}

export function describePeriod({ output }: CliContext, period: RehearsalPeriod, metric: string): string {
  const { colours } = output;
  const score = `${metric} ${decimals(period.metricAsServed, 1).padStart(6)} as served, ${decimals(period.metricNeverReplaced, 1).padStart(6)} if never replaced`;
  const found = period.findings.length === 0 ? 'no open findings' : `open findings: ${period.findings.length}`;
  const lost = describeLost(period);
  const line = `${colours.bold(period.label)}  ${String(period.rows).padStart(5)} rows  ${score}  ${found.padEnd(17)} ${describeBuild(colours, period.build)}`;
  return lost === '' ? line : `${line}\n${colours.yellow(`  ${lost}`)}`;
}

/** Describes the rows of the period that got no answer, and why; empty if all were answered. */
function describeLost({ refusedRows, unansweredRows = 0 }: RehearsalPeriod): string {
  const features = refusedRows?.features.map(({ name, rows }) => `${JSON.stringify(name)} ${rows}`).join(', ');
  return [
    ...(refusedRows === undefined ? [] : [`rows refused by the gateway: ${refusedRows.rows}, by feature: ${features}`]),
    ...(unansweredRows === 0 ? [] : [`rows without a finite answer: ${unansweredRows}`]),
  ].join('; ');
}

function describeBuild(colours: CliContext['output']['colours'], build: RehearsalPeriod['build']): string {
  if (build === null) return colours.dim('no build after the last period');
  const version = build.modelVersion === null ? '' : ` version ${build.modelVersion}`;
  const gain = build.gain === null ? '' : `, gain ${(build.gain * 100).toFixed(1)} %`;
  if (build.decision === 'promoted') return colours.green(`→${version} promoted${gain}`);
  if (build.decision === 'unchanged') return colours.dim(`→${version} unchanged`);
  return (build.decision === 'failed' ? colours.red : colours.yellow)(
    `→${version} ${build.decision}: ${build.reasons.join('; ')}${gain}`,
  );
}
