import type { CommandBody } from '../../contracts/runs/command.ts';
import type { PeriodInput } from '../../contracts/pipelines/rehearsal-runs.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { RehearsalContext } from './rehearsal-context.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

type Input = Parameters<Activities['commandPeriod']>[0];

/**
 * Submits a command of the rehearsal to its own environment. An idempotency key ensures that retries submit it only
 * once.
 */
export function createCommandPeriod(deps: ActivityDependencies): Activities['commandPeriod'] {
  return async (input) => {
    const context = await rehearsalContext(deps, input);
    mustBeNext(context, input.index);
    const key = `${context.rehearsal.id}/${input.index}/${input.command}`;
    const command = await deps.repositories.lifecycle.submit(input.scope, bodyOf(context, input), context.principalId, {
      key,
      route: 'rehearsal',
    });
    await deps.workflowClient.advance(input.scope);
    return { commandedRunId: command.runId };
  };
}

function bodyOf(context: RehearsalContext, input: Input): CommandBody {
  const end = endOf(context, input);
  switch (input.command) {
    case 'ingest': {
      const bounds = input.index < 0 ? { before: end } : { from: periodAt(context, input.index).from, before: end };
      return {
        kind: 'run',
        schemaVersion: 1,
        request: {
          kind: 'data',
          schemaVersion: 1,
          files: [{ name: 'rows.parquet', sha256: input.rows, format: 'parquet' }],
          ...bounds,
        },
      };
    }
    case 'monitor':
      return {
        kind: 'run',
        schemaVersion: 1,
        request: { kind: 'monitor', schemaVersion: 1, asOf: end, window: `1 ${context.rehearsal.plan.every}` },
      };
    case 'trigger':
      return {
        kind: 'trigger',
        schemaVersion: 1,
        trigger: input.index < 0 ? 'manual' : 'schedule',
        reason: input.index < 0 ? 'the first model' : 'the end of the period',
        fingerprint: `${context.rehearsal.id}/${input.index}`,
      };
    case 'settle':
      return { kind: 'settle', schemaVersion: 1, asOf: end };
  }
}

function endOf(context: RehearsalContext, { index }: PeriodInput): string {
  return index < 0 ? context.rehearsal.plan.from : periodAt(context, index).to;
}
