import type { KnownPart, PrepareBatch } from '../../../ports/table-engine.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, literal } from '../sql.ts';
import { keyHash } from './part-facts.ts';

type Supply = TableWorkplace['supply'];

/**
 * Returns the known parts whose rows the batch needs, after their files have been supplied. Parts without a summary are
 * always among them. Of the others, these are the parts that hold a key of `batch`, or all parts if something is
 * compared with every known row.
 */
export async function supplyNeeded(
  database: LockedDatabase,
  request: PrepareBatch,
  fields: readonly Field[],
  { isReshaped, supply }: { readonly isReshaped: boolean; readonly supply: Supply },
): Promise<readonly KnownPart[]> {
  const { known } = request;
  const needed =
    isReshaped || comparesAll(request) ? new Set(known) : await holdingKeys(database, request, fields, supply);
  for (const part of newest(request)) needed.add(part);
  for (const part of known) if (part.summary === undefined) needed.add(part);
  await supply([...needed].flatMap(({ path, summary }) => (summary === undefined ? [] : [path])));
  return known.filter((part) => needed.has(part));
}

function comparesAll({ mode, expectations }: PrepareBatch): boolean {
  if (mode === 'snapshot') return true;
  // An update may replace the newest rows.
  return expectations.some(
    ({ unique, freshness }) => unique === true || (freshness !== undefined && mode === 'upsert'),
  );
}

/** Returns the parts that may hold the newest known row, if an expectation asks for it. */
function newest({ known, expectations }: PrepareBatch): readonly KnownPart[] {
  if (expectations.every(({ freshness }) => freshness === undefined)) return [];
  const last = known.reduce((latest, { part }) => ((part.to ?? '') > latest ? (part.to ?? '') : latest), '');
  return known.filter(({ part }) => part.to === undefined || part.to === last);
}

async function holdingKeys(
  database: LockedDatabase,
  { key, known }: PrepareBatch,
  fields: readonly Field[],
  supply: Supply,
): Promise<Set<KnownPart>> {
  const field = fields.find(({ name }) => name === key);
  if (field === undefined) return new Set();
  const near = [
    ...(await withinBounds(database, field, known)),
    ...known.filter(({ summary }) => summary !== undefined && summary.bounds === null),
  ];
  const hashed = near.flatMap((part) => {
    const path = part.summary?.keys ?? null;
    return path === null ? [] : [{ part, path }];
  });
  const unhashed = near.filter(({ summary }) => (summary?.keys ?? null) === null);
  return new Set([...unhashed, ...(await withHashes(database, field, hashed, supply))]);
}

async function withinBounds(
  database: LockedDatabase,
  { name, stored }: Field,
  known: readonly KnownPart[],
): Promise<readonly KnownPart[]> {
  const parts = known.flatMap((part) => {
    const bounds = part.summary?.bounds ?? null;
    return bounds === null ? [] : [{ part, bounds }];
  });
  if (parts.length === 0) return [];
  const bounds = parts.map(
    ({ bounds: { min, max } }, at) => `(${at}, CAST(${literal(min)} AS ${stored}), CAST(${literal(max)} AS ${stored}))`,
  );
  const found = await database.rows(
    `WITH given AS (SELECT min(${identifier(name)}) AS low, max(${identifier(name)}) AS high FROM batch)
      SELECT place FROM (VALUES ${bounds.join(', ')}) AS bounds(place, least_key, greatest_key), given WHERE greatest_key >= low AND least_key <= high`,
  );
  const near = new Set(found.map(({ place }) => Number(place)));
  return parts.flatMap(({ part }, at) => (near.has(at) ? [part] : []));
}

async function withHashes(
  database: LockedDatabase,
  { name, stored }: Field,
  keys: readonly { readonly part: KnownPart; readonly path: string }[],
  supply: Supply,
): Promise<readonly KnownPart[]> {
  if (keys.length === 0) return [];
  await supply(keys.map(({ path }) => path));
  const found = await database.rows(
    `SELECT DISTINCT filename FROM read_parquet([${keys.map(({ path }) => literal(path)).join(', ')}], filename = true, hive_partitioning = false)
      WHERE hash IN (SELECT ${keyHash({ name, type: stored })} FROM batch)`,
  );
  const holding = new Set(found.map(({ filename }) => filename));
  return keys.flatMap(({ part, path }) => (holding.has(path) ? [part] : []));
}
