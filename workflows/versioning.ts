import { setWorkflowOptions } from '@temporalio/workflow';

// How executions meet new code, where the workers say which code they are (PERENNIAL_BUILD_ID). Workers that do not
// take every execution, and this decides nothing.

type Workflow = (input: never) => Promise<void>;

/** Ends on the code that it began on: short, and nobody wants half of one way and half of another. */
export function pinned(...workflows: readonly Workflow[]): void {
  for (const workflow of workflows) setWorkflowOptions({ versioningBehavior: 'PINNED' }, workflow);
}

/** Goes on with the newest code: it lives for as long as its environment, so its changes are patched. */
export function upgraded(workflow: Workflow): void {
  setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, workflow);
}
