import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';

// How executions meet new code, where the workers say which code they are (PERENNIAL_BUILD_ID). Workers that do not
// take every execution, and this decides nothing.

type Workflow = (input: never) => Promise<void>;

/** Ends on the code that it began on: short, and nobody wants half of one way and half of another. */
export function pinned(...workflows: readonly Workflow[]): void {
  for (const workflow of workflows) behave(workflow, 'PINNED');
}

/** Goes on with the newest code: it lives for as long as its environment, so its changes are patched. */
export function upgraded(workflow: Workflow): void {
  behave(workflow, 'AUTO_UPGRADE');
}

/** The server refuses the word of a worker that does not say which code it is. */
function behave(workflow: Workflow, versioningBehavior: 'PINNED' | 'AUTO_UPGRADE'): void {
  const isVersioned = (): boolean => (workflowInfo().currentDeploymentVersion?.deploymentName ?? '') !== '';
  setWorkflowOptions(() => (isVersioned() ? { versioningBehavior } : {}), workflow);
}
