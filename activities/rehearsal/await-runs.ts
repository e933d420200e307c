import { cancellationSignal } from '@temporalio/activity';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrorCode, PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/run.ts';
import { isFinal } from '../../contracts/run.ts';
import type { RehearsalActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { RehearsalContext } from './rehearsal-context.ts';
import { mustBeNext, rehearsalContext } from './rehearsal-context.ts';

type Awaiting = Pick<RehearsalActivities, 'awaitRun' | 'settlePeriod'>;

const pollMs = 40;

export function createAwaitRuns(deps: ActivityDependencies): Awaiting {
  const { runs } = deps.repositories;
  return {
    async awaitRun({ awaitedRunId }) {
      for (;;) {
        const run = await runs.get(awaitedRunId);
        if (run.state === 'succeeded') return;
        if (isFinal(run.state)) throw failureOf(run);
        await pause(pollMs, undefined, { signal: cancellationSignal() });
      }
    },

    /** Quiet means: nothing runs, and the lifecycle, asked once more, starts nothing. */
    async settlePeriod({ runId, scope, index }) {
      const context = await rehearsalContext(deps, { runId, scope });
      mustBeNext(context, index);
      const moving = async () => (await runs.unfinished(scope)).filter((run) => run.id !== runId);
      for (;;) {
        for (const run of await moving()) await approve(deps, scope, run, context);
        if ((await moving()).length === 0) {
          await deps.workflowClient.advance(scope);
          if ((await moving()).length === 0) return;
        }
        await pause(pollMs, undefined, { signal: cancellationSignal() });
      }
    },
  };
}

function failureOf(run: Run): PerennialError {
  const failure = run.state === 'failed' ? run.failure : { code: 'cancelled', message: 'it was cancelled' };
  const code = isErrorCode(failure.code) ? failure.code : 'internal';
  return new PerennialError(
    code,
    `the ${run.request.kind} run ${run.id} of the rehearsal did not succeed: ${failure.message}`,
    { runId: run.id },
  );
}

/** The rehearsal's own principal votes, marked as such; it may do so in this environment alone. */
async function approve(
  deps: ActivityDependencies,
  scope: Scope,
  run: Run,
  { rehearsal, principalId }: RehearsalContext,
): Promise<void> {
  if (run.state !== 'awaiting-approval') return;
  const approval = await deps.repositories.approvals.get(run.approvalId);
  if (approval.status !== 'pending') return;
  const voter = await deps.repositories.principals.get(principalId);
  if (approval.votes.some((vote) => vote.principalId === voter.id)) return;
  await deps.repositories.approvals.vote(
    approval.id,
    {
      decision: 'approve',
      digest: approval.digest,
      comment: `given by rehearsal ${rehearsal.id} in ${scope.environment}`,
    },
    voter,
  );
  await deps.workflowClient.nudge(run.workflowId);
}
