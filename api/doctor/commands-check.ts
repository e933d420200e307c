import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Check, Looked } from './check.ts';

/**
 * Minimum age of a command to count as stranded. A lifecycle takes a command as soon as Temporal delivers it, and the
 * API resends waiting commands every two seconds.
 */
const strandedAfterMs = 30_000;
const scopesAtMost = 100;

/**
 * Finds commands that no lifecycle takes, because Temporal was unreachable or somebody ended the lifecycle by hand. The
 * repair is to wake the lifecycle.
 */
export const checkCommands: Check = async ({ repositories, workflowClient }, { fix }) => {
  const scopes = (await repositories.lifecycle.stranded(strandedAfterMs)).slice(0, scopesAtMost);
  const problems: Looked['problems'][number][] = [];
  for (const scope of scopes) {
    if (fix) await workflowClient.advance(scope);
    problems.push({
      subject: `commands of ${scopeLabel(scope)}`,
      what: fix
        ? 'their lifecycle had not taken them, so it was woken'
        : 'they wait, because their lifecycle does not take them',
      state: fix ? 'mended' : 'found',
      wayOut: 'perennial doctor --fix wakes the lifecycle; if commands wait again, see the log of the worker',
    });
  }
  return { examined: scopes.length, problems };
};
