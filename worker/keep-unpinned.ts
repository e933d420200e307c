import type { Connection } from '@temporalio/client';
import { unpinExecutions } from '../adapters/workflow-client/unpin-executions.ts';
import { reasonOf } from '../contracts/errors.ts';
import type { Logger } from '../ports/logger.ts';
import { deploymentName } from './run-workers.ts';

interface Unpinning {
  readonly connection: Pick<Connection, 'workflowService'>;
  readonly namespace: string;
  readonly logger: Logger;
}

/**
 * Unpins executions now and every `everyMs`, because a worker before 0.2.0 pins the pipelines that it starts for as long
 * as its version is current. Returns a function that stops this.
 */
export async function keepUnpinned(
  { connection, namespace, logger }: Unpinning,
  everyMs = 60_000,
): Promise<() => Promise<void>> {
  const unpin = async (): Promise<void> => {
    try {
      const executions = await unpinExecutions(connection, namespace, deploymentName);
      if (executions > 0)
        logger.info({ executions }, 'executions that were pinned to one version continue on the current version');
    } catch (caught) {
      logger.warn(
        { reason: reasonOf(caught) },
        'pinned executions could not be moved to the current version; keep the workers of their version until this succeeds',
      );
    }
  };
  let unpinning: Promise<void> | undefined;
  const begin = (): Promise<void> => (unpinning ??= unpin().finally(() => (unpinning = undefined)));
  await begin();
  const timer = setInterval(() => void begin(), everyMs);
  return async () => {
    clearInterval(timer);
    await unpinning;
  };
}
