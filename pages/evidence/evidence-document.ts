import type { Approval } from '../../contracts/serving/approval.ts';
import type { Evidence, EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import type { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { metricOf, MetricName, worstFirst } from '../../contracts/models/metrics.ts';
import { trafficPlan } from './traffic-plan.ts';

/**
 * Builds the evidence of an approval request, in reading order. `requestedByName`: name of the principal that requested
 * the approval.
 */
export function evidenceDocument(
  approval: Approval,
  details: EvidenceDetails | null,
  requestedByName: string,
): Evidence {
  const { evidence, subject, warnings, ...told } = approval;
  const { evaluation, modelVersion, championVersion, rollbackTarget } = evidence;
  const { metric, challenger, champion, challengerInterval, gain, gainInterval, cites } = evaluation;
  return {
    schemaVersion: 1,
    warnings,
    approval: { ...told, requestedByName, policy: subject.policy, modelVersion, championVersion },
    gates: evaluation.gates,
    comparison: {
      metric,
      challenger,
      champion,
      challengerInterval,
      gain,
      gainInterval,
      ...(cites === undefined ? {} : { measuredOf: cites.modelVersion }),
    },
    slices: slicesOf(evaluation),
    calibration: calibrationOf(evaluation),
    changedRows: details?.changedRows ?? null,
    data: details?.data ?? null,
    code: details?.code ?? null,
    parameters: details?.parameters ?? [],
    dependencies: details?.dependencies ?? [],
    configuration: details?.configuration ?? [],
    lineage: details?.lineage ?? null,
    rollbackTarget:
      rollbackTarget === null || championVersion === null
        ? null
        : { release: rollbackTarget, modelVersion: championVersion },
    ...trafficPlan(subject),
    missing:
      details === null
        ? ['this request was made by an earlier version of Perennial, which did not record its details']
        : details.missing,
    decide: { method: 'POST', path: `/v1/approvals/${approval.id}/votes`, digest: approval.digest, id: approval.id },
  };
}

function slicesOf({ slices, metric }: EvaluationBody): Evidence['slices'] {
  const name = MetricName.safeParse(metric).data;
  if (name === undefined) return [];
  const told = slices.map(({ column, value, challenger, champion }) => ({
    slice: `${column}=${value}`,
    rows: challenger.rows,
    challenger: metricOf(challenger, name),
    champion: champion === null ? null : metricOf(champion, name),
  }));
  const order = worstFirst(name);
  return told.toSorted((a, b) => order(a.challenger, b.challenger));
}

function calibrationOf({ challenger, champion }: EvaluationBody): Evidence['calibration'] {
  if (challenger.task !== 'binary' || challenger.calibration === null) return null;
  return {
    challenger: challenger.calibration,
    champion: champion?.task === 'binary' ? champion.calibration : null,
  };
}
