import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Check, Looked } from './check.ts';

/** A command that Temporal was told of is taken at once; the API sends those that wait every two seconds. */
const strandedAfterMs = 30_000;
const scopesAtMost = 100;

/** Commands that nobody takes: Temporal was away, or its lifecycle was ended by hand. Mended by waking the lifecycle. */
export const checkCommands: Check = async ({ repositories, workflowClient }, { fix }) => {
  const scopes = (await repositories.lifecycle.stranded(strandedAfterMs)).slice(0, scopesAtMost);
  const problems: Looked['problems'][number][] = [];
  for (const scope of scopes) {
    if (fix) await workflowClient.advance(scope);
    problems.push({
      subject: `commands of ${scopeLabel(scope)}`,
      what: fix ? 'they waited for its lifecycle, which was woken' : 'they wait, and its lifecycle does not take them',
      state: fix ? 'mended' : 'found',
      wayOut: 'perennial doctor --fix wakes the lifecycle; if they wait again, see the log of the worker',
    });
  }
  return { examined: scopes.length, problems };
};
