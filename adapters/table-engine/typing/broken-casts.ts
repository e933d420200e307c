import type { CastTo } from './casts.ts';
import type { LockedDatabase } from '../process/locked-database.ts';

/** Maximum number of casts in one query: planning time grows faster than the number of casts. */
const castsAtOnce = 50;

/** Returns the indexes of the casts that at least one row of a table or subquery does not fit. */
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

/** Returns the indexes of the conditions that are true for at least one row. */
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
