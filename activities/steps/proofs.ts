import { scopeLabel } from '../../contracts/identifiers.ts';
import type { JsonValue } from '../../contracts/canonical.ts';
import { isDueAt } from '../../contracts/time/firings.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import { collectionsName, firedAt, ledgerHeadsName, lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import type { Activities } from '../activity-types.ts';

/** The execution of Temporal's that asks for an activity, as Temporal itself tells it. */
export interface AskingExecution {
  readonly workflowId: string;
  readonly executionId: string;
}

/** An answer that an earlier step of the run must have given. */
export interface KeptAnswer {
  readonly step: keyof Activities;
  readonly result: JsonValue;
}

type Input<Name extends keyof Activities> = Parameters<Activities[Name]>[0];
type Result<Name extends keyof Activities> = Awaited<ReturnType<Activities[Name]>>;

/** A step of a run: only the run's own execution may ask for it, with what the run's own steps have answered. */
export interface StepOfRun<Given, Answered> {
  readonly of: readonly RunKind[];
  /** States of the run, besides being under way, in which the step makes sense. */
  readonly allows?: readonly ('queued' | 'ended')[];
  /** One of these lists, each answer of it, must have been given. */
  takes?(input: Given): readonly (readonly KeptAnswer[])[];
  /** What later steps may take. */
  keeps?(input: Given, result: Answered): readonly JsonValue[];
}

/** A step of no run: what is wrong with the execution that asks for it, or undefined. */
export interface StepOfNone<Given> {
  complaint(input: Given, execution: AskingExecution, settings: ProofSettings): string | undefined;
}

export interface ProofSettings {
  /** When garbage is collected; null: on demand only. */
  readonly collectionSchedule: string | null;
}

export type Proof<Given, Answered> = StepOfRun<Given, Answered> | StepOfNone<Given>;

const ofRun = (...of: RunKind[]) => ({ of });
const rehearsalOf = ({ rehearsalId }: { readonly rehearsalId: string }) => [
  [{ step: 'planRehearsal', result: { rehearsalId } }] as const,
];

/**
 * Which execution may ask for which activity, and with what. Whoever reaches Temporal can ask for any of them; what the
 * activity commits is proved once more in the transaction that commits it. The table in README.md tells both.
 */
export const proofs: { readonly [Name in keyof Activities]: Proof<Input<Name>, Result<Name>> } = {
  // lifecycle
  advanceLifecycle: {
    complaint: ({ scope }, { workflowId }) =>
      workflowId === lifecycleWorkflowId(scope)
        ? undefined
        : `the lifecycle of ${scopeLabel(scope)} is advanced by its own workflow alone`,
  },
  recordScheduleTrigger: {
    complaint: ({ firing }, { workflowId }) =>
      firing === workflowId ? undefined : `a firing is named after the workflow that it started, not ${firing}`,
  },
  beginRun: {
    of: ['data', 'code', 'build', 'deploy', 'rollback', 'monitor', 'rehearsal'],
    allows: ['queued', 'ended'],
  },
  concludeRun: {
    of: ['data', 'code', 'build', 'deploy', 'rollback', 'monitor', 'rehearsal'],
    allows: ['ended'],
    takes: ({ conclusion }) => (conclusion.state === 'succeeded' ? outcomesLike(conclusion.outcome) : [[]]),
  },

  // data and code
  fetchSource: { of: ['data'], keeps: (_, { fetched }) => [{ fetched }] },
  prepareDataset: {
    of: ['data'],
    takes: ({ fetched }) => [[{ step: 'fetchSource', result: { fetched } }]],
    keeps: (_, { staged }) => [{ staged }],
  },
  profileDataset: {
    of: ['data'],
    takes: ({ staged }) => [[{ step: 'prepareDataset', result: { staged } }]],
    keeps: ({ staged }, { profile }) => [{ staged, profile }],
  },
  commitDataset: {
    of: ['data'],
    takes: ({ staged, profile }) => [[{ step: 'profileDataset', result: { staged, profile } }]],
    keeps: (_, outcome) => [outcome],
  },
  commitCode: { of: ['code'], keeps: (_, outcome) => [outcome] },
  reportCommitStatus: { of: ['code', 'build'], allows: ['ended'] },

  // build
  queueOfBuild: ofRun('build'),
  materialiseEnvironment: {
    of: ['build'],
    keeps: (_, { interpreter, platform }) => [{ interpreter, platform }],
  },
  resolveBuild: {
    of: ['build'],
    takes: ({ interpreter, platform }) => [[{ step: 'materialiseEnvironment', result: { interpreter, platform } }]],
    keeps: (_, { plan, modelVersionId, unchanged, refit }) => [
      { plan },
      { measured: plan },
      ...(modelVersionId === null ? [] : [{ measured: plan, modelVersionId, unchanged }]),
      ...(refit === null ? [] : [{ plan: refit.plan }]),
      ...(refit === null || refit.modelVersionId === null ? [] : [{ refitted: refit.modelVersionId }]),
    ],
  },
  trainModel: {
    of: ['build'],
    takes: ({ plan }) => [[{ step: 'resolveBuild', result: { plan } }]],
    keeps: ({ plan }, { trained }) => [{ plan, trained }],
  },
  commitVersion: {
    of: ['build'],
    takes: ({ plan, trained }) => [[{ step: 'trainModel', result: { plan, trained } }]],
    keeps: ({ plan }, { modelVersionId }) => [{ plan, modelVersionId }, { modelVersionId }],
  },
  evaluateVersion: {
    of: ['build'],
    takes: ({ plan, modelVersionId, reused, unchanged }) => {
      if (reused) return [[{ step: 'resolveBuild', result: { measured: plan, modelVersionId, unchanged } }]];
      const measured: KeptAnswer = { step: 'resolveBuild', result: { measured: plan } };
      return unchanged ? [] : [[measured, { step: 'commitVersion', result: { plan, modelVersionId } }]];
    },
    keeps: ({ reused }, outcome) => [outcome, { evaluationId: outcome.evaluationId, reused }],
  },
  citeEvaluation: {
    of: ['build'],
    takes: ({ evaluationId, modelVersionId, reused }) =>
      [true, false].flatMap((evaluatedWasReused) => {
        const evaluated: KeptAnswer = { step: 'evaluateVersion', result: { evaluationId, reused: evaluatedWasReused } };
        const trained: KeptAnswer[] = [evaluated, { step: 'commitVersion', result: { modelVersionId } }];
        const known: KeptAnswer[] = [evaluated, { step: 'resolveBuild', result: { refitted: modelVersionId } }];
        if (!reused) return evaluatedWasReused ? [trained] : [trained, known];
        return evaluatedWasReused ? [known] : [];
      }),
    keeps: (_, outcome) => [outcome],
  },
  expireRejectedVersions: ofRun('build'),

  // deployment: what is approved stands in the database, and is read there
  queueOfConfirmation: ofRun('deploy'),
  confirmEvaluation: ofRun('deploy'),
  requestApproval: ofRun('deploy'),
  tallyApproval: ofRun('deploy'),
  notifyOfApproval: ofRun('deploy'),
  beginRollout: ofRun('deploy'),
  raiseGeneration: ofRun('deploy'),
  awaitGateways: ofRun('deploy', 'rollback'),
  replayToCanary: ofRun('deploy'),
  judgeCanary: ofRun('deploy'),
  judgeShadow: ofRun('deploy'),
  endRollout: ofRun('deploy'),
  abortRollout: ofRun('deploy'),
  rollBack: { of: ['rollback'], keeps: (_, outcome) => [outcome] },

  // monitoring and retention
  collectWindow: { of: ['monitor'], keeps: (_, { window }) => [{ window }] },
  reportWindow: {
    of: ['monitor'],
    takes: ({ window }) => [[{ step: 'collectWindow', result: { window } }]],
    keeps: (_, outcome) => [outcome, ...(outcome.kind === 'monitor' ? [{ reportId: outcome.reportId }] : [])],
  },
  notifyOfReport: {
    of: ['monitor'],
    takes: ({ reportId }) => [[{ step: 'reportWindow', result: { reportId } }]],
  },
  expirePredictions: ofRun('monitor'),
  beginCollection: {
    complaint: ({ collectionId }, { workflowId }, { collectionSchedule }) =>
      collectionId !== null || isScheduledCollection(workflowId, collectionSchedule)
        ? undefined
        : `no schedule of this worker begins a collection as ${workflowId}; \`perennial gc\` does`,
  },
  markReachable: { complaint: ofCollection },
  sweepGarbage: { complaint: ofCollection },
  endCollection: { complaint: ofCollection },

  // ledger: it signs no chain that does not hold, so that asking for it gains nothing
  signHeads: {
    complaint: (_, { workflowId }) =>
      workflowId.startsWith(`${ledgerHeadsName}/`)
        ? undefined
        : `heads of the ledger are signed by the workflows ${ledgerHeadsName}/…, not by ${workflowId}`,
  },

  // rehearsal
  planRehearsal: {
    of: ['rehearsal'],
    keeps: (_, { rehearsalId, rows }) => [{ rehearsalId }, { rows }],
  },
  servePeriod: { of: ['rehearsal'], keeps: ({ index }, { served }) => [{ index, served }] },
  commandPeriod: {
    of: ['rehearsal'],
    takes: ({ rows }) => [[{ step: 'planRehearsal', result: { rows } }]],
    keeps: (_, { commandedRunId }) => [{ commandedRunId }],
  },
  lookAtRun: {
    of: ['rehearsal'],
    takes: ({ awaitedRunId }) => [[{ step: 'commandPeriod', result: { commandedRunId: awaitedRunId } }]],
  },
  settlePeriod: { of: ['rehearsal'], takes: rehearsalOf },
  recordPeriod: {
    of: ['rehearsal'],
    takes: ({ rehearsalId, index, served }) => {
      const planned: KeptAnswer = { step: 'planRehearsal', result: { rehearsalId } };
      return [served === undefined ? [planned] : [planned, { step: 'servePeriod', result: { index, served } }]];
    },
  },
  finishRehearsal: { of: ['rehearsal'], takes: rehearsalOf, keeps: (_, outcome) => [outcome] },
};

const lastSteps = {
  data: ['commitDataset'],
  code: ['commitCode'],
  build: ['evaluateVersion', 'citeEvaluation'],
  rollback: ['rollBack'],
  monitor: ['reportWindow'],
  rehearsal: ['finishRehearsal'],
  // Put together by the workflow: the database compares it with what the run has raised (db/runs/end-run.ts).
  deploy: [],
} as const satisfies Record<RunKind, readonly (keyof Activities)[]>;

/** The outcome of a run is what its last step answered. */
function outcomesLike(outcome: { readonly kind: RunKind } & JsonObject): readonly (readonly KeptAnswer[])[] {
  const steps = lastSteps[outcome.kind];
  return steps.length === 0 ? [[]] : steps.map((step) => [{ step, result: outcome }]);
}

interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

function ofCollection(_input: unknown, { workflowId }: AskingExecution): string | undefined {
  return workflowId.startsWith(`${collectionsName}/`)
    ? undefined
    : `garbage is collected by the workflows ${collectionsName}/…, not by ${workflowId}`;
}

function isScheduledCollection(workflowId: string, schedule: string | null): boolean {
  const at = workflowId.startsWith(`${collectionsName}/scheduled-`) ? firedAt(workflowId) : undefined;
  return schedule !== null && at !== undefined && isDueAt({ cron: schedule, timezone: 'UTC' }, at);
}
