import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';

// Worker versioning: how executions move to new code if the workers state a build id (PERENNIAL_BUILD_ID). Workers
// without a build id take every execution, and these settings have no effect.

type Workflow = (input: never) => Promise<void>;

/**
 * Keeps executions on the code on which they began. These workflows are short, and should not change their behaviour
 * halfway.
 */
export function pinned(...workflows: readonly Workflow[]): void {
  for (const workflow of workflows) behave(workflow, 'PINNED');
}

/** Moves executions to the newest code. The lifecycle lives as long as its environment, so its changes need patches. */
export function upgraded(workflow: Workflow): void {
  behave(workflow, 'AUTO_UPGRADE');
}

/** The server rejects a versioning behaviour from a worker without a build id, so it is set only if there is one. */
function behave(workflow: Workflow, versioningBehavior: 'PINNED' | 'AUTO_UPGRADE'): void {
  const isVersioned = (): boolean => (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';
  setWorkflowOptions(() => (isVersioned() ? { versioningBehavior } : {}), workflow);
}
