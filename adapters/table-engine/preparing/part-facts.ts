import { join } from 'node:path';
import type { ColumnPiece, PartFacts } from '../../../contracts/data/part-summary.ts';
import type { SummarisedPart } from '../../../ports/table-engine.ts';
import { type StoredType, isStored } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier, literal } from '../sql.ts';

interface Summarising {
  /** SQL that selects the rows of the part. */
  readonly rows: string;
  readonly key: string | undefined;
  /** File name of the key hashes, within `folder`. */
  readonly name: string;
  readonly folder: string;
}

/** Longer keys have no bounds, so that facts stay small. */
const longestBound = 200;
/** Numbers of a larger magnitude have no moments here, because sums of their squares would overflow. */
const largest = 1e140;
/** Maximum number of columns in one query: planning time grows faster than the number of columns. */
const columnsAtOnce = 50;

/** Returns the facts of a part's rows, and writes the hashes of their keys. The connection's time zone must be UTC. */
export async function summarisePart(
  database: LockedDatabase,
  { rows, key, name, folder }: Summarising,
): Promise<Omit<SummarisedPart, 'part'>> {
  const described = await database.rows(`DESCRIBE ${rows}`);
  const stored = described.flatMap(({ column_name: column, column_type: type }) =>
    isStored(type) ? [{ name: String(column), type }] : [],
  );
  const pieces: ColumnPiece[] = [];
  const columns = stored.filter((column) => column.name !== '_at');
  for (let start = 0; start < columns.length; start += columnsAtOnce)
    pieces.push(...(await piecesOf(database, rows, columns.slice(start, start + columnsAtOnce))));
  const keyColumn = stored.find((column) => column.name === key);
  const facts = (bounds: PartFacts['bounds']): PartFacts => ({
    schemaVersion: 1,
    stored,
    key: keyColumn?.name ?? null,
    bounds,
    pieces,
  });
  if (keyColumn === undefined) return { facts: facts(null), keys: null };
  const path = join(folder, name);
  await database.run(`COPY (SELECT ${keyHash(keyColumn)} AS hash FROM (${rows})) TO ${literal(path)} (FORMAT parquet)`);
  return { facts: facts(await keyBounds(database, rows, keyColumn.name)), keys: { path } };
}

interface StoredColumn {
  readonly name: string;
  readonly type: StoredType;
}

/** Returns SQL of the 64-bit hash of a key, which every version of the database computes alike. */
export function keyHash({ name, type }: StoredColumn): string {
  const key = identifier(name);
  if (type === 'BIGINT') return key;
  if (type === 'TIMESTAMP' || type === 'TIMESTAMP WITH TIME ZONE') return `epoch_us(${key})`;
  // 0 and -0 are equal.
  return `md5_number_lower(CAST(${type === 'DOUBLE' ? `${key} + 0` : key} AS VARCHAR))`;
}

async function keyBounds(database: LockedDatabase, rows: string, column: string): Promise<PartFacts['bounds']> {
  const key = identifier(column);
  const { low, high } = await database.row(
    `SELECT CAST(min(${key}) AS VARCHAR) AS low, CAST(max(${key}) AS VARCHAR) AS high FROM (${rows})`,
  );
  if (typeof low !== 'string' || typeof high !== 'string') return null;
  return Math.max(low.length, high.length) > longestBound ? null : { min: low, max: high };
}

async function piecesOf(
  database: LockedDatabase,
  rows: string,
  columns: readonly StoredColumn[],
): Promise<readonly ColumnPiece[]> {
  const found = await database.row(
    `SELECT count(*) AS count, ${columns
      .map(({ name }, at) => {
        const column = identifier(name);
        return `count(${column}) AS filled${at}, min(${column}) AS min${at}, max(${column}) AS max${at}`;
      })
      .join(', ')} FROM (${rows})`,
  );
  const pieces = columns.map(({ name }, at) => {
    const [count, filled] = [Number(found.count), Number(found[`filled${at}`])];
    return { name, count, nulls: count - filled, min: found[`min${at}`] ?? null, max: found[`max${at}`] ?? null };
  });
  const moments = await momentsOfPieces(database, rows, columns, pieces);
  return pieces.map((piece, at) => ({ ...piece, ...moments(at) }));
}

type Moments = Pick<ColumnPiece, 'mean' | 'squares'>;

/** Returns the moments of columns of numbers and booleans. A column without values, or with a value beyond `largest`, has none. */
async function momentsOfPieces(
  database: LockedDatabase,
  rows: string,
  columns: readonly StoredColumn[],
  pieces: readonly Omit<ColumnPiece, keyof Moments>[],
): Promise<(at: number) => Moments> {
  const aggregates = columns.flatMap(({ name, type }, at) => {
    const { count, nulls, min, max } = pieces[at] ?? { count: 0, nulls: 0, min: null, max: null };
    const isSmall = Math.abs(Number(min)) <= largest && Math.abs(Number(max)) <= largest;
    if (count === nulls || !(type === 'BOOLEAN' || ((type === 'BIGINT' || type === 'DOUBLE') && isSmall))) return [];
    const number = `CAST(${identifier(name)} AS ${type === 'BOOLEAN' ? 'INTEGER' : 'DOUBLE'})`;
    const variance = type === 'BOOLEAN' ? '' : `, var_pop(${number}) AS variance${at}`;
    return [`avg(${number}) AS mean${at}${variance}`];
  });
  const found = aggregates.length === 0 ? {} : await database.row(`SELECT ${aggregates.join(', ')} FROM (${rows})`);
  return (at) => {
    const { count, nulls } = pieces[at] ?? { count: 0, nulls: 0 };
    const [mean, variance] = [found[`mean${at}`], found[`variance${at}`]];
    return {
      mean: typeof mean === 'number' ? mean : null,
      squares: typeof mean === 'number' && typeof variance === 'number' ? variance * (count - nulls) : null,
    };
  };
}
