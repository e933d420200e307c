import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  collectionWorkflow,
  ledgerHeadsName,
  lifecycleWorkflowId,
  scheduledTriggerWorkflow,
  scheduleId,
  signHeadsWorkflow,
} from '../../../contracts/runs/workflows.ts';
import { until } from '../../support/until.ts';
import type { Stage } from '../stage.ts';

// Scenes of the lifecycle, of schedules, and of what runs for the whole installation.

async function scopeOf(stage: Stage, model: string) {
  const Found = z.object({ model: z.object({ id: z.string() }).loose() }).loose();
  const found = await stage.stack.get(Found, `/v1/models/${model}`);
  return { project: 'default', model, modelId: found.model.id, environment: 'production' };
}

async function hasRun(stage: Stage, type: string, status: string): Promise<boolean> {
  const query = `WorkflowType = '${type}' AND ExecutionStatus = '${status}'`;
  return (await stage.client.workflow.count(query)).count > 0;
}

async function executionOf(stage: Stage, workflowId: string): Promise<string> {
  return (await stage.client.workflow.getHandle(workflowId).describe()).runId;
}

export async function lifecycles(stage: Stage): Promise<void> {
  await stage.built('archived');
  await stage.perennial('archive', 'archived', '--reason', 'recorded', '--yes');
  await stage.perennial('restore', 'archived', '--reason', 'recorded', '--yes');

  await stage.model('alive');
  const workflowId = lifecycleWorkflowId(await scopeOf(stage, 'alive'));
  const first = await executionOf(stage, workflowId);
  await until(
    'it continues in another execution',
    async () => {
      await stage.nudge(workflowId, 10);
      return (await executionOf(stage, workflowId)) !== first;
    },
    600_000,
  );
  const second = await executionOf(stage, workflowId);
  await stage.client.workflow.getHandle(workflowId).cancel();
  await until('it is cancelled', async () => (await statusOf(stage, workflowId, second)) === 'CANCELLED');
}

async function statusOf(stage: Stage, workflowId: string, runId: string): Promise<string> {
  return (await stage.client.workflow.getHandle(workflowId, runId).describe()).status.name;
}

export async function firedSchedules(stage: Stage): Promise<void> {
  await stage.model('clocked');
  const scope = await scopeOf(stage, 'clocked');
  await stage.perennial('schedule', 'set', 'minutely', '-m', 'clocked', '--cron', '* * * * *');
  await stage.perennial('schedule', 'set', 'daily', '-m', 'clocked', '--cron', '0 3 * * *');
  await until('it has fired', () => hasRun(stage, scheduledTriggerWorkflow, 'Completed'), 150_000);
  // A firing that is not due is refused.
  await stage.client.schedule.getHandle(scheduleId(scope, 'daily')).trigger();
  await until('it has failed', () => hasRun(stage, scheduledTriggerWorkflow, 'Failed'));
  await stage.start(scheduledTriggerWorkflow, { scope, schedule: 'minutely' }, { cancel: true });
}

export async function collectionsOfGarbage(stage: Stage): Promise<void> {
  const admin = ['--url', stage.stack.api, '--key', stage.stack.keys.admin];
  await stage.perennial('gc', '--dry-run', ...admin);
  await stage.perennial('gc', ...admin);
  await stage.start(collectionWorkflow, { collectionId: null }, { cancel: true });
  await stage.start(collectionWorkflow, { collectionId: randomUUID() });
}

export async function signatures(stage: Stage): Promise<void> {
  await stage.client.schedule.getHandle(ledgerHeadsName).trigger();
  await until('heads are signed', () => hasRun(stage, signHeadsWorkflow, 'Completed'));
  await stage.start(signHeadsWorkflow, {}, { cancel: true });
  await stage.start(signHeadsWorkflow, { cursor: 'not a cursor' });
}
