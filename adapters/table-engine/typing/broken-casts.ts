import type { CastTo } from './casts.ts';
import type { LockedDatabase } from '../process/locked-database.ts';

/** Casts in one query: the time to plan one grows faster than their number. */
const castsAtOnce = 50;

/** The places of the casts that some row of a table or subquery does not fit. */
export async function brokenCasts(
  database: LockedDatabase,
  casts: readonly CastTo[],
  from: string,
): Promise<ReadonlySet<number>> {
  const doubtful = await places(
    database,
    casts.map(({ doubt, misfit }) => doubt ?? misfit),
    from,
  );
  const broken = await places(
    database,
    casts.map(({ doubt, misfit }, at) => (doubt !== undefined && doubtful.has(at) ? misfit : undefined)),
    from,
  );
  return new Set([...doubtful].filter((at) => casts[at]?.doubt === undefined || broken.has(at)));
}

/** The places of the conditions that are true for some row. */
async function places(
  database: LockedDatabase,
  conditions: readonly (string | undefined)[],
  from: string,
): Promise<ReadonlySet<number>> {
  const asked = conditions.flatMap((condition, at) => (condition === undefined ? [] : [{ condition, at }]));
  const held = new Set<number>();
  for (let start = 0; start < asked.length; start += castsAtOnce) {
    const slice = asked.slice(start, start + castsAtOnce);
    const found = await database.row(
      `SELECT ${slice.map(({ condition, at }) => `bool_or(${condition}) AS m${at}`).join(', ')} FROM ${from}`,
    );
    for (const { at } of slice) if (found[`m${at}`] === true) held.add(at);
  }
  return held;
}
