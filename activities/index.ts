import type { Activities } from './activity-types.ts';
import { createCommitCode } from './code/commit-code.ts';
import { createReportCommitStatus } from './code/report-commit-status.ts';
import { createComputations } from './computations.ts';
import type { Computing } from '../ports/computing.ts';
import type { StoringDependencies } from './activity-dependencies.ts';
import { createJudgeCanary } from './deployment/judge-canary.ts';
import { createJudgeShadow } from './deployment/judge-shadow.ts';
import { createNotifyOfApproval } from './deployment/notify-of-approval.ts';
import { createReplayToCanary } from './deployment/replay-to-canary.ts';
import { createRolloutActivities } from './deployment/rollout-activities.ts';
import { createCiteEvaluation } from './build/evaluation/cite-evaluation.ts';
import { createCommitDataset } from './data/commit-dataset.ts';
import { createFetchSource } from './data/fetch-source.ts';
import { createPrepareDataset } from './data/prepare-dataset.ts';
import { createProfileDataset } from './data/profile-dataset.ts';
import { instrument } from './steps/instrument.ts';
import { createLedgerActivities, signedAfter } from './ledger/sign-heads.ts';
import { createLifecycleActivities } from './lifecycle/lifecycle-activities.ts';
import { createCollectWindow } from './monitoring/collect-window.ts';
import { createNotifyOfReport } from './monitoring/notify-of-report.ts';
import { createCollectionActivities } from './retention/collection-activities.ts';
import { createRetentionActivities } from './retention/retention-activities.ts';
import { createCommandPeriod } from './rehearsal/command-period.ts';
import { createFinishRehearsal } from './rehearsal/finish-rehearsal.ts';
import { createPlanRehearsal } from './rehearsal/plan-rehearsal.ts';
import { createServePeriod } from './rehearsal/serve-period.ts';
import { createLooks } from './rehearsal/looks.ts';
import { createMaterialiseEnvironment } from './build/training/materialise-environment.ts';
import { createQueueOfBuild, createQueueOfConfirmation } from './build/training/queue-of-build.ts';
import { createResolveBuild } from './build/training/resolve-build.ts';
import { createTrainModel } from './build/training/train-model.ts';

/** Every activity, with its dependencies in its closure. A new one is a file, a line here and a test. */
export function createActivities(deps: StoringDependencies & { readonly computing: Computing }): Activities {
  const computations = createComputations(deps);
  const { commitVersion, evaluateVersion, confirmEvaluation, requestApproval, reportWindow, recordPeriod } =
    computations;
  return instrument<Activities & Record<string, (input: never) => Promise<unknown>>>(
    {
      ...createLifecycleActivities(deps),
      queueOfBuild: createQueueOfBuild(deps),
      queueOfConfirmation: createQueueOfConfirmation(deps),
      fetchSource: createFetchSource(deps),
      prepareDataset: createPrepareDataset(deps),
      profileDataset: createProfileDataset(deps),
      commitDataset: createCommitDataset(deps),
      commitCode: createCommitCode(deps),
      reportCommitStatus: createReportCommitStatus(deps),
      materialiseEnvironment: createMaterialiseEnvironment(deps),
      resolveBuild: createResolveBuild(deps),
      trainModel: createTrainModel(deps),
      commitVersion,
      evaluateVersion,
      citeEvaluation: createCiteEvaluation(deps),
      confirmEvaluation,
      requestApproval,
      ...signedAfter(createRolloutActivities(deps), deps),
      ...createLedgerActivities(deps),
      judgeCanary: createJudgeCanary(deps),
      judgeShadow: createJudgeShadow(deps),
      notifyOfApproval: createNotifyOfApproval(deps),
      replayToCanary: createReplayToCanary(deps),
      ...createRetentionActivities(deps),
      ...createCollectionActivities(deps),
      collectWindow: createCollectWindow(deps),
      reportWindow,
      notifyOfReport: createNotifyOfReport(deps),
      planRehearsal: createPlanRehearsal(deps),
      servePeriod: createServePeriod(deps),
      commandPeriod: createCommandPeriod(deps),
      ...createLooks(deps),
      recordPeriod,
      finishRehearsal: createFinishRehearsal(deps),
    },
    deps,
  );
}
