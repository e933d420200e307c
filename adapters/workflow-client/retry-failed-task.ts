import { grpcStatus, grpcStatusOf } from './grpc-failures.ts';

const attemptsAtMost = 3;

/**
 * Sends an update again if Temporal aborted it because the workflow task that delivered it failed. That happens when a
 * workflow continues as new at the moment when another event arrives. The SDK does not retry it.
 */
export async function retryFailedTask(update: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await update();
    } catch (caught) {
      if (attempt === attemptsAtMost || grpcStatusOf(caught) !== grpcStatus.failedPrecondition) throw caught;
    }
  }
}
