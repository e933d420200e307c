import { reasonOf } from '../../contracts/errors.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { ApiDependencies } from '../api-dependencies.ts';

const strandedAfterMs = 3_000;
const scopesAtOnce = 4;
const scopesARound = 100;

export interface Dispatcher {
  /** Stops the dispatcher. Resolves when the current round has ended. */
  stop(): Promise<void>;
}

/**
 * Wakes the lifecycles whose commands arrived while Temporal was unreachable, in one round after another. Every API
 * process may run a dispatcher, because waking a lifecycle twice changes nothing.
 */
export function startDispatcher(
  dependencies: Pick<ApiDependencies, 'repositories' | 'workflowClient' | 'logger'>,
  everyMs: number,
  alsoDo: () => Promise<void>,
): Dispatcher {
  const { repositories, workflowClient, logger } = dependencies;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let round = Promise.resolve();

  async function wake(scope: Scope): Promise<void> {
    try {
      await workflowClient.advance(scope);
      logger.info({ scope: scopeLabel(scope) }, 'commands that had waited for Temporal were sent');
    } catch (caught) {
      logger.warn({ scope: scopeLabel(scope), reason: reasonOf(caught) }, 'commands still wait for Temporal');
    }
  }

  async function dispatch(): Promise<void> {
    const scopes = (await repositories.lifecycle.stranded(strandedAfterMs)).slice(0, scopesARound);
    for (let first = 0; first < scopes.length && !stopped; first += scopesAtOnce) {
      await Promise.all(scopes.slice(first, first + scopesAtOnce).map(wake));
    }
    if (!stopped) await alsoDo();
  }

  function plan(): void {
    timer = setTimeout(() => {
      round = dispatch()
        .catch((caught: unknown) =>
          logger.warn({ reason: reasonOf(caught) }, 'the search for stranded commands failed'),
        )
        .then(() => {
          if (!stopped) plan();
        });
    }, everyMs);
  }

  plan();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}
