import type { DiagnosisPage } from '../../contracts/runs/diagnosis.ts';
import { doctorChecks } from '../../contracts/runs/diagnosis.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { checkBytes } from './bytes-check.ts';
import type { Check, Look, Parts } from './check.ts';
import { checkCommands } from './commands-check.ts';
import { checkLedger } from './ledger-check.ts';
import { checkSchedules } from './schedules-check.ts';
import { checkScratch } from './scratch-check.ts';
import { checkServing } from './serving-check.ts';

type CheckName = (typeof doctorChecks)[number];

const checks: Readonly<Record<CheckName, Check>> = {
  ledger: checkLedger,
  serving: checkServing,
  bytes: checkBytes,
  commands: checkCommands,
  schedules: checkSchedules,
  scratch: checkScratch,
};

/**
 * Examines one bounded part and returns a cursor for the next, so that each request takes bounded time and no state is
 * kept between requests. A check that cannot run, because a dependency is unreachable, is reported as a problem too.
 */
export async function examine(
  parts: Parts,
  { cursor, fix, deep }: Omit<Look, 'after'> & { readonly cursor: string | undefined },
): Promise<DiagnosisPage> {
  const { check, after } = readCursor(cursor);
  const { examined, problems, next } = await lookOr(parts, check, { after, fix, deep });
  const following = doctorChecks[doctorChecks.indexOf(check) + 1];
  return {
    check,
    examined,
    items: problems.map((problem) => ({ check, ...problem })),
    next: next === undefined ? following && writeCursor(following) : writeCursor(check, next),
  };
}

async function lookOr(parts: Parts, check: CheckName, look: Look): ReturnType<Check> {
  try {
    return await checks[check](parts, look);
  } catch (caught) {
    if (!(caught instanceof PerennialError) || !caught.retryable) throw caught;
    const wayOut = 'make the dependency reachable again, and repeat the check';
    return {
      examined: 0,
      problems: [{ subject: `the check of ${check}`, what: caught.message, state: 'found', wayOut }],
    };
  }
}

function writeCursor(check: CheckName, after?: string): string {
  return Buffer.from(JSON.stringify(after === undefined ? [check] : [check, after])).toString('base64url');
}

function readCursor(cursor: string | undefined): { readonly check: CheckName; readonly after: string | undefined } {
  if (cursor === undefined) return { check: doctorChecks[0], after: undefined };
  try {
    const [name, after]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const check = doctorChecks.find((one) => one === name);
    if (check !== undefined && (after === undefined || typeof after === 'string')) return { check, after };
  } catch {
    // Falls through to the error below.
  }
  throw new PerennialError(
    'invalid-request',
    'the cursor does not come from an earlier answer of this route; leave it out to begin at the first check',
    { parameter: 'cursor' },
  );
}
