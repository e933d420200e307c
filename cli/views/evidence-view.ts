import { shortDigest } from '../../contracts/identifiers.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import type { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { metricOf, MetricName, worstFirst } from '../../contracts/models/metrics.ts';
import { describeDataOf } from './dataset-difference-view.ts';
import type { Colours } from './colours.ts';
import type { Output } from '../output.ts';
import { decimals, intervalText } from '../verb.ts';

/**
 * Describes an evaluation: the metric beside the champion's, each gate with value and threshold, and the slices, worst
 * first.
 */
export function describeEvaluation(output: Output, body: EvaluationBody, colours: Colours): string {
  const { metric, challenger, champion, gain } = body;
  const measured = [
    `${metric} ${decimals(scoreOf(challenger, metric))}${intervalText(body.challengerInterval)} on ${challenger.rows} held-out rows${body.unlabelled === undefined ? '' : ` (${body.unlabelled} more have no target)`}`,
    ...(body.cites === undefined
      ? []
      : [
          `measured on version ${body.cites.modelVersion}; this version is its refit and was trained on the holdout too, so no held-out row is left to measure it`,
        ]),
    champion === null
      ? body.championVersionDigest === null
        ? 'there is no champion to compare with'
        : 'the champion was trained on some of these rows, so the gain cannot be computed'
      : `the champion ${decimals(scoreOf(champion, metric))}, gain ${decimals(gain, 4)}${intervalText(body.gainInterval, 4)}`,
  ].join('; ');
  const gates = output.table(
    ['gate', 'verdict', 'value', 'threshold', 'n', 'reason'],
    body.gates.map((gate) => [
      gate.gate,
      verdict(gate.verdict, colours),
      decimals(gate.value, 4),
      decimals(gate.threshold, 4),
      gate.n,
      output.brief(gate.reason),
    ]),
    colours,
  );
  const slices = output.table(
    ['slice', 'rows', metric, 'champion'],
    worstSlicesFirst(body).map((slice) => [
      `${slice.column} = ${slice.value}`,
      slice.challenger.rows,
      decimals(scoreOf(slice.challenger, metric), 4),
      slice.champion === null ? '–' : decimals(scoreOf(slice.champion, metric), 4),
    ]),
    colours,
  );
  const said = `${body.verdict}${body.reasons.length > 0 ? `: ${body.reasons.map((reason) => output.brief(reason)).join('; ')}` : ''}`;
  return [said, measured, gates, ...(body.slices.length > 0 ? [slices] : [])].join('\n');
}

function worstSlicesFirst({ slices, metric }: EvaluationBody): EvaluationBody['slices'] {
  const name = MetricName.safeParse(metric).data;
  if (name === undefined) return slices;
  const order = worstFirst(name);
  return slices.toSorted((a, b) => order(metricOf(a.challenger, name), metricOf(b.challenger, name)));
}

function verdict(word: string, colours: Colours): string {
  if (word === 'pass') return colours.green(word);
  return word === 'fail' ? colours.red(word) : colours.yellow(word);
}

/**
 * Describes what a voter needs to decide: what replaces what, by which steps, what the release consists of, its
 * measurements, and the votes so far.
 */
export function describeApproval(output: Output, approval: Approval, gathered: Evidence, colours: Colours): string {
  const { evidence, subject, votes, earlierVotes, status } = approval;
  const { policy } = subject;
  const back = evidence.rollbackTarget === null ? 'nothing' : `release ${shortDigest(evidence.rollbackTarget)}`;
  return [
    colours.bold(changeOf(approval)),
    ...describeApprovalWarnings(approval, colours),
    `rollout: ${gathered.traffic.join('; then ')}; a rollback returns to ${back}`,
    `release ${shortDigest(subject.release)}: dataset ${evidence.dataset}, code ${evidence.code}; request digest ${shortDigest(approval.digest)}`,
    describeEvaluation(output, evidence.evaluation, colours),
    ...describeDataOf(output, gathered, colours),
    `${status}: ${votes.length} of ${policy.votes} votes by ${policy.roles.join(' or ')}, until ${approval.expiresAt}`,
    ...votes.map(voteLine),
    ...(earlierVotes.length === 0
      ? []
      : ['approval was requested again, because the champion has changed since these votes, which no longer count:']),
    ...earlierVotes.map(voteLine),
  ].join('\n');
}

function voteLine({ principalName, decision, comment }: Approval['votes'][number]): string {
  return `  ${principalName}: ${decision}${comment === '' ? '' : `, "${comment}"`}`;
}

/** Returns the warnings of a request, one line each. */
export function describeApprovalWarnings(
  { warnings }: Pick<Approval, 'warnings'>,
  colours: Colours,
): readonly string[] {
  return warnings.map(({ message }) => colours.yellow(`warning: ${message.replaceAll(/\s+/g, ' ')}`));
}

/** Describes the change of a request, for example `bike-demand in production: version 3 → version 4`. */
export function changeOf({ model, environment, evidence }: Approval): string {
  const from = evidence.championVersion === null ? 'nothing' : `version ${evidence.championVersion}`;
  return `${model} in ${environment}: ${from} → version ${evidence.modelVersion}`;
}

/** Returns a metric by its name; undefined if it was not measured or is undefined on these rows. */
export function scoreOf(metrics: object, metric: string): number | undefined {
  const value: unknown = Object.entries(metrics).find(([name]) => name === metric)?.[1];
  return typeof value === 'number' ? value : undefined;
}

const headlines = ['rmse', 'rocAuc', 'macroF1', 'accuracy', 'logLoss'];

/**
 * Returns the most important metric with its name: the configured one if it was measured, else the first measured one
 * of a fixed order.
 */
export function headline(metrics: object, configured?: string): string {
  const names = configured === undefined ? headlines : [configured, ...headlines];
  const name = names.find((metric) => scoreOf(metrics, metric) !== undefined);
  return name === undefined ? 'no metric could be computed' : `${name} ${decimals(scoreOf(metrics, name))}`;
}
