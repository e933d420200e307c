import type { Connection } from '@temporalio/client';
import { grpcStatus, grpcStatusOf } from './grpc-failures.ts';

const unpinned = {
  workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
  updateMask: { paths: ['versioning_override'] },
};

/**
 * Lets the running executions of a deployment that are pinned to one version of the code continue on the current
 * version. Workers before 0.2.0 pin their pipelines, and a pinned execution stops for ever once the workers of its
 * version are gone. Returns the number of executions that were unpinned.
 */
export async function unpinExecutions(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
  deploymentName: string,
): Promise<number> {
  const query = `ExecutionStatus = 'Running' AND TemporalWorkflowVersioningBehavior = 'Pinned' AND TemporalWorkerDeployment = '${deploymentName}'`;
  let count = 0;
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1_000, nextPageToken });
    for (const { execution } of page.executions) {
      const request = { namespace, workflowExecution: execution, ...unpinned };
      count += await workflowService.updateWorkflowExecutionOptions(request).then(() => 1, noneIfEnded);
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken !== undefined && nextPageToken !== null && nextPageToken.length > 0);
  return count;
}

/** An execution may end between the two calls. */
function noneIfEnded(caught: unknown): number {
  if (grpcStatusOf(caught) === grpcStatus.notFound) return 0;
  throw caught;
}
