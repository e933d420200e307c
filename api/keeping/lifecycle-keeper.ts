import { reasonOf } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import type { ApiDependencies } from '../api-dependencies.ts';

const everyMs = 5 * 60_000;
const wokenAtOnce = 4;

/** Restarts lifecycles that have ended although their environment is in use. */
export interface LifecycleKeeper {
  /** Looks for ended lifecycles at the first call, and then at most every five minutes. Never rejects. */
  catchUp(): Promise<void>;
}

type Dependencies = Pick<ApiDependencies, 'repositories' | 'workflowClient' | 'clock' | 'logger'>;

/**
 * A lifecycle ends unintentionally when somebody terminates it by hand, when new code cannot replay it, or when Temporal's
 * state is lost. The database still has the environment's rows, so the lifecycle is restarted and continues from them.
 */
export function createLifecycleKeeper({ repositories, workflowClient, clock, logger }: Dependencies): LifecycleKeeper {
  let dueAt = 0;

  async function start(scope: Scope): Promise<void> {
    try {
      await workflowClient.advance(scope);
      logger.warn({ scope: scopeLabel(scope) }, 'a lifecycle had ended and was started again');
    } catch (caught) {
      logger.warn({ scope: scopeLabel(scope), reason: reasonOf(caught) }, 'a lifecycle cannot be started for now');
    }
  }

  return {
    async catchUp() {
      const now = Date.parse(clock.now());
      if (now < dueAt) return;
      dueAt = now + everyMs;
      try {
        const scopes = await repositories.models.scopes();
        if (scopes.length === 0) return;
        const running = await workflowClient.runningLifecycles();
        const ended = scopes.filter((scope) => !running.has(lifecycleWorkflowId(scope)));
        for (let first = 0; first < ended.length; first += wokenAtOnce)
          await Promise.all(ended.slice(first, first + wokenAtOnce).map(start));
      } catch (caught) {
        logger.warn({ reason: reasonOf(caught) }, 'cannot check for ended lifecycles for now');
      }
    },
  };
}
