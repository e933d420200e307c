import type { PipelineInput } from '../contracts/workflows.ts';
import { rehearsalActivities } from './activities.ts';
import { runPipeline } from './run-pipeline.ts';

/**
 * Steps the environment's own lifecycle through past periods: serve, label, ingest, monitor, then one build at the
 * period's end by all triggers that there are. Only the last period is followed by none.
 */
export async function rehearsal(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await runPipeline(input, async () => {
    const { rehearsalId, periods, rows } = await rehearsalActivities.planRehearsal({ runId, scope });
    await command(input, -1, 'ingest', rows);
    await endPeriod(input, -1, rehearsalId, rows);
    for (let index = 0; index < periods; index += 1) {
      await rehearsalActivities.servePeriod({ runId, scope, index });
      await command(input, index, 'ingest', rows);
      await command(input, index, 'monitor', rows);
      if (index < periods - 1) await endPeriod(input, index, rehearsalId, rows);
      await rehearsalActivities.recordPeriod({ runId, scope, index, rehearsalId });
    }
    return rehearsalActivities.finishRehearsal({ runId, scope, rehearsalId });
  });
}

async function command(
  { runId, scope }: PipelineInput,
  index: number,
  name: 'ingest' | 'monitor',
  rows: string,
): Promise<void> {
  const { commandedRunId } = await rehearsalActivities.commandPeriod({ runId, scope, index, command: name, rows });
  if (commandedRunId !== null) await rehearsalActivities.awaitRun({ runId, scope, awaitedRunId: commandedRunId });
}

async function endPeriod(
  { runId, scope }: PipelineInput,
  index: number,
  rehearsalId: string,
  rows: string,
): Promise<void> {
  await rehearsalActivities.commandPeriod({ runId, scope, index, command: 'trigger', rows });
  await rehearsalActivities.commandPeriod({ runId, scope, index, command: 'settle', rows });
  await rehearsalActivities.settlePeriod({ runId, scope, index, rehearsalId });
}
