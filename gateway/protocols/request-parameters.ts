import { PerennialError } from '../../contracts/errors.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import { InstantInput } from '../../contracts/identifiers.ts';
import type { Principal } from '../../contracts/access/principal.ts';
import type { IdMaker } from '../../ports/ids.ts';
import { inTurns } from '../turns.ts';
import { isRecord, maximumRows, refuse } from './tensor-columns.ts';

/** Parameters that only rehearsals may send. */
export interface RehearsalParameters {
  /** One instant per row; `undefined`: now. */
  readonly eventTimes: readonly Instant[] | undefined;
  readonly replay: 'champion' | 'canary' | undefined;
}

const mostParameters = 1000;

/**
 * Checks the parameters of a body. Throws `invalid-request`.
 *
 * @param key the body's name for them.
 */
export function parametersIn(given: unknown, key: 'parameters' | 'params'): Readonly<Record<string, unknown>> {
  if (!isRecord(given)) throw refuse(`"${key}" must be an object`);
  const count = Object.keys(given).length;
  if (count > mostParameters)
    throw refuse(`"${key}" has ${count} entries, but at most ${mostParameters} are accepted; leave out the others`);
  return given;
}

/**
 * Returns the parameters without the contents of objects and of lists in lists. The gateway reads none of these, and
 * copying them from one thread to another could take seconds.
 */
export function shallowParameters(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.slice(0, maximumRows + 1).map(emptied) : emptied(value),
    ]),
  );
}

function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return [];
  return isRecord(value) ? {} : value;
}

/** Returns whether the log and the database can store the id unchanged. */
export function isStorableId(id: string): boolean {
  return id.length <= 200 && id.isWellFormed() && !id.includes('\0');
}

/** Returns the caller's prediction ids, which must be distinct and one per row, or newly generated ids. */
export async function readPredictionIds(
  parameters: Readonly<Record<string, unknown>>,
  rows: number,
  ids: IdMaker,
): Promise<readonly string[]> {
  const given = parameters.prediction_ids ?? undefined;
  const read: string[] = [];
  if (given === undefined) {
    await inTurns(rows, (from, to) => read.push(...ids.several(to - from)));
    return read;
  }
  if (!Array.isArray(given) || given.length !== rows)
    throw refuse(`parameters.prediction_ids must be a list of ${rows} strings, one per row`);
  const distinct = new Set<string>();
  await inTurns(rows, (from, to) => {
    for (let row = from; row < to; row += 1) {
      const id = idIn(given[row], row);
      read.push(id);
      distinct.add(id);
    }
  });
  if (distinct.size !== read.length)
    throw refuse('parameters.prediction_ids contains an id twice; give each row an id of its own');
  return read;
}

function idIn(given: unknown, row: number): string {
  if (typeof given === 'string' && given.length > 0 && isStorableId(given)) return given;
  throw refuse(`parameters.prediction_ids[${row}] must be a string of 1 to 200 characters of valid Unicode`, { row });
}

/**
 * Returns whether all grants of the principal are confined to this environment, as for the principal of a rehearsal.
 */
function isConfinedTo(principal: Principal, environment: string): boolean {
  return principal.grants.length > 0 && principal.grants.every((grant) => grant.environment === environment);
}

/**
 * Reads the parameters `event_times` and `replay`. Runs before a slot is chosen, because `replay` decides the slot.
 * Throws `forbidden` if either is present and the caller is not a rehearsal.
 */
export function readRehearsalParameters(
  parameters: Readonly<Record<string, unknown>>,
  asked: { readonly principal: Principal; readonly environment: string; readonly virtual: boolean },
): RehearsalParameters {
  const times = parameters.event_times ?? undefined;
  const replay = parameters.replay ?? undefined;
  if (times === undefined && replay === undefined) return { eventTimes: undefined, replay: undefined };
  const named = times === undefined ? 'parameters.replay' : 'parameters.event_times';
  if (!isConfinedTo(asked.principal, asked.environment))
    throw new PerennialError(
      'forbidden',
      `${named} is accepted only from the principal of a rehearsal, whose grants are all limited to environment "${asked.environment}"`,
      { parameter: named },
    );
  if (!asked.virtual)
    throw refuse(
      `${named} is only for environments with a virtual clock, but "${asked.environment}" runs on the wall clock`,
    );
  if (replay !== undefined && replay !== 'champion' && replay !== 'canary')
    throw refuse('parameters.replay must be "champion" or "canary"');
  return { eventTimes: times === undefined ? undefined : readInstants(times), replay };
}

function readInstants(times: unknown): readonly Instant[] {
  if (!Array.isArray(times)) throw refuse('parameters.event_times must be a list of ISO 8601 instants, one per row');
  return times.map((time: unknown, row) => {
    const parsed = InstantInput.safeParse(time);
    if (!parsed.success)
      throw refuse(`parameters.event_times[${row}] is not an ISO 8601 instant such as 2012-01-01T05:00:00Z`, { row });
    return parsed.data;
  });
}
