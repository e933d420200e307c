import { until } from '../../support/until.ts';
import type { Stage } from '../stage.ts';
import { keepPredicting, requestPredictions } from './traffic.ts';

// Scenes of deployments, rollbacks, monitoring and rehearsals.

export async function deploymentsThatArePromoted(stage: Stage): Promise<void> {
  const strategy = { canary: [50, 100], bake: '2s', minRequests: 0 };
  const model = await stage.built('promoted', (configuration) => ({ ...configuration, deploy: { strategy } }));
  await stage.rebuilt(model, 'promoted', 0.5);
  await stage.deploy('promoted', 2, 'promoted');
  await model.configure((configuration) => ({
    ...configuration,
    deploy: { strategy: { ...strategy, shadow: { bake: '1s', minRows: 3, tolerance: 1 } } },
  }));
  await stage.rebuilt(model, 'promoted', 0.25);
  const runId = await stage.begin('promoted/deployments', { version: 3 });
  await stage.vote(runId, 'approve');
  const traffic = keepPredicting(stage, 'promoted');
  await stage.ended(runId, 'succeeded', 'promoted').finally(traffic.stop);
}

export async function deploymentsThatEndOtherwise(stage: Stage): Promise<void> {
  const name = 'otherwise';
  const model = await stage.built(name, (configuration) => ({
    ...configuration,
    deploy: { strategy: { canary: [50, 100], bake: '300s', minRequests: 0 } },
  }));
  await stage.rebuilt(model, name, 0.5);
  const rejected = await stage.begin(`${name}/deployments`, { version: 2 });
  await stage.vote(rejected, 'reject');
  await stage.ended(rejected, 'succeeded', 'rejected');

  const waiting = await stage.begin(`${name}/deployments`, { version: 2 });
  await stage.inStep(waiting, 'tallyApproval');
  await stage.cancelled(waiting);

  const baking = await stage.begin(`${name}/deployments`, { version: 2 });
  await stage.vote(baking, 'approve');
  await stage.inStep(baking, 'judgeCanary');
  const queued = await stage.begin(`${name}/deployments`, { version: 2 });
  await stage.vote(queued, 'approve');
  await stage.inStep(queued, 'beginRollout');
  await stage.cancelled(queued);
  await stage.cancelled(baking);
  await stage.cancelledInTime(() => stage.begin(`${name}/deployments`, { version: 2 }));
}

export async function deploymentsThatAreAborted(stage: Stage): Promise<void> {
  const name = 'aborted';
  const model = await stage.built(name, (configuration) => ({
    ...configuration,
    build: { ...configuration.build, gates: [{ metric: 'rmse', max: 1000 }] },
    deploy: { strategy: { canary: [50, 100], bake: '1s', minRequests: 3, onInsufficient: 'abort' } },
  }));
  await stage.rebuilt(model, name, 0.5);
  await stage.deploy(name, 2, 'aborted');
}

/** The second deployment waits for the first one, is measured against its champion, and asks for approval again. */
export async function deploymentsOneAfterTheOther(stage: Stage): Promise<void> {
  const name = 'overtaken';
  const strategy = { canary: [50, 100], bake: '10s', minRequests: 0 };
  const model = await stage.built(name, (configuration) => ({ ...configuration, deploy: { strategy } }));
  await stage.rebuilt(model, name, 0.5);
  await stage.rebuilt(model, name, 0.25);
  const first = await stage.begin(`${name}/deployments`, { version: 2 });
  const second = await stage.begin(`${name}/deployments`, { version: 3 });
  await stage.vote(first, 'approve');
  const request = await stage.vote(second, 'approve');
  await stage.ended(first, 'succeeded', 'promoted');
  await stage.vote(second, 'approve', request);
  await stage.ended(second, 'succeeded', 'promoted');
}

export async function deploymentsOverALongTime(stage: Stage): Promise<void> {
  await stage.built('long', undefined, { deployed: false });
  const runId = await stage.begin('long/deployments', { version: 1 });
  await stage.inStep(runId, 'tallyApproval');
  const { workflowId } = await stage.run(runId);
  const first = (await stage.client.workflow.getHandle(workflowId).describe()).runId;
  await until(
    'it continues in another execution',
    async () => {
      await stage.nudge(workflowId, 10);
      return (await stage.client.workflow.getHandle(workflowId).describe()).runId !== first;
    },
    600_000,
  );
  await stage.vote(runId, 'approve');
  await stage.ended(runId, 'succeeded', 'promoted');
}

export async function withoutAGateway(stage: Stage): Promise<void> {
  const name = 'unloaded';
  const model = await stage.built(name);
  await stage.rebuilt(model, name, 0.5);
  await stage.deploy(name, 2, 'promoted');
  const back = { reason: 'recorded' };
  await stage.withoutGateway(async () => {
    const waiting = await stage.begin(`${name}/rollback`, back);
    await stage.inStep(waiting, 'awaitGateways');
    await stage.cancelled(waiting);
    const vain = await stage.begin(`${name}/rollback`, back);
    await stage.ended(vain, 'failed');
  });
}

export async function rollbacks(stage: Stage): Promise<void> {
  const name = 'back';
  const model = await stage.built(name);
  await stage.rebuilt(model, name, 0.5);
  await stage.deploy(name, 2, 'promoted');
  await stage.ended(await stage.begin(`${name}/rollback`, { reason: 'recorded' }), 'succeeded');
}

export async function monitoring(stage: Stage): Promise<void> {
  const name = 'monitored';
  await stage.built(name, (configuration) => ({
    ...configuration,
    monitor: { every: '1 day', minRows: 5, performance: { metric: 'rmse', max: 0.5 } },
  }));
  await stage.ended(await stage.begin(`${name}/reports`, {}), 'succeeded');
  const ids = await requestPredictions(stage, name, 10);
  const labels = ids.map((id) => ({ id, value: 500 }));
  await stage.send('POST', `/v1/models/${name}/labels`, labels);
  await stage.ended(await stage.begin(`${name}/reports`, {}), 'succeeded');
  await stage.cancelledInTime(() => stage.begin(`${name}/reports`, {}));
  // Nothing serves this one.
  await stage.model('unmonitored');
  await stage.ended(await stage.begin('unmonitored/reports', {}), 'failed');
}

export async function rehearsalsOfDays(stage: Stage): Promise<void> {
  const name = 'rehearsed';
  const model = await stage.model(name, (configuration) => ({
    ...configuration,
    monitor: { ...configuration.monitor, window: '1 day', minRows: 1 },
  }));
  await stage.perennial('rehearse', '-m', name, '--from', '2026-01-06', '--to', '2026-01-08', '--every', 'day');
  const days = { from: '2026-01-06', to: '2026-01-09', every: 'day' };
  const runId = await stage.begin(`${name}/rehearsals`, days);
  await stage.inStep(runId, 'servePeriod');
  await stage.cancelled(runId);
  await model.code('exit 3');
  await stage.perennial('apply', '-f', model.file);
  await stage.ended(await stage.begin(`${name}/rehearsals`, days), 'failed');
}
