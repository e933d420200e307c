import type { StoringDependencies } from './activity-dependencies.ts';
import { createCanaryMetric } from './deployment/canary-metric.ts';
import { createRequestApproval } from './deployment/request-approval.ts';
import { createCommitVersion } from './build/evaluation/commit-version.ts';
import { createConfirmEvaluation } from './build/evaluation/confirm-evaluation.ts';
import { createEvaluateVersion } from './build/evaluation/evaluate-version.ts';
import { createReportWindow } from './monitoring/report-window.ts';
import { createRecordPeriod } from './rehearsal/record-period.ts';
import { createCheckClassOrder } from './build/training/check-class-order.ts';
import { computedApart } from './steps/computed-apart.ts';

/**
 * Work that holds rows in memory: loading columns, running a model, measuring, resampling, comparing. It can block a
 * thread for minutes, so it runs in a process that sends no heartbeats. Work that streams rows or leaves them to the
 * table engine stays in the worker.
 */
export function createComputations(deps: StoringDependencies) {
  return {
    checkClassOrder: computedApart(deps, 'checkClassOrder', createCheckClassOrder(deps)),
    commitVersion: computedApart(deps, 'commitVersion', createCommitVersion(deps)),
    evaluateVersion: computedApart(deps, 'evaluateVersion', createEvaluateVersion(deps)),
    confirmEvaluation: computedApart(deps, 'confirmEvaluation', createConfirmEvaluation(deps)),
    requestApproval: computedApart(deps, 'requestApproval', createRequestApproval(deps)),
    canaryMetric: computedApart(deps, 'canaryMetric', createCanaryMetric(deps)),
    reportWindow: computedApart(deps, 'reportWindow', createReportWindow(deps)),
    recordPeriod: computedApart(deps, 'recordPeriod', createRecordPeriod(deps)),
  };
}
