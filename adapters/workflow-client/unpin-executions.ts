import type { Connection } from '@temporalio/client';
import { grpcStatus, grpcStatusOf } from './grpc-failures.ts';

const unpinned = {
  workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
  updateMask: { paths: ['versioning_override'] },
};

/**
 * Lets the running executions of a deployment that are pinned to one version of the code continue on the current
 * version. Workers before 0.2.0 pinned their pipelines, and a pinned execution stops for ever once the workers of its
 * version are gone.
 */
export async function unpinExecutions(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
  deploymentName: string,
): Promise<void> {
  const query = `ExecutionStatus = 'Running' AND TemporalWorkflowVersioningBehavior = 'Pinned' AND TemporalWorkerDeployment = '${deploymentName}'`;
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await workflowService.listWorkflowExecutions({ namespace, query, pageSize: 1_000, nextPageToken });
    for (const { execution } of page.executions) {
      await workflowService
        .updateWorkflowExecutionOptions({ namespace, workflowExecution: execution, ...unpinned })
        .catch(ignoreEnded);
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken !== undefined && nextPageToken !== null && nextPageToken.length > 0);
}

/** An execution may end between the two calls. */
function ignoreEnded(caught: unknown): void {
  if (grpcStatusOf(caught) !== grpcStatus.notFound) throw caught;
}
