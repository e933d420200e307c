import { PerennialError } from '../../../contracts/errors.ts';
import { leaveOutUnkept } from './left-out.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { InexactNumber } from './ndjson-numbers.ts';
import type { JsonKind, LoadOptions, Source } from './source.ts';
import { placeInFile } from './source.ts';
import { literal } from '../sql.ts';

const kindOf: Readonly<Record<string, JsonKind>> = {
  BOOLEAN: 'boolean',
  BIGINT: 'number',
  UBIGINT: 'number',
  HUGEINT: 'number',
  DOUBLE: 'number',
  VARCHAR: 'string',
};

/** Why a column cannot be kept. */
interface Problem {
  readonly type: string;
  readonly reason: string;
  readonly wayOut: string;
  readonly row: () => Promise<number>;
}

/**
 * Returns the columns that are kept, each with the kind of its values. The kind is undefined for a column without
 * values, and for a column with several kinds and a declared type. Columns with nested values, several kinds or numbers
 * with too many digits are left out; if something reads such a column, the file is refused.
 */
export async function keptKinds(
  database: LockedDatabase,
  source: Source,
  inexact: ReadonlyMap<string, InexactNumber>,
  { plan, warn }: LoadOptions,
): Promise<ReadonlyMap<string, JsonKind | undefined>> {
  const found = await typesOfCells(database, source);
  const kept = new Map<string, JsonKind | undefined>();
  for (const [at, name] of source.names.entries()) {
    const types = found[at] ?? [];
    const problem =
      problemOf(database, source, { at, name, types, isDeclared: plan.isDeclared(name) }) ??
      tooLong(name, plan.isDeclared(name), inexact);
    if (problem === undefined) {
      const kinds = new Set(types.flatMap((type) => kindOf[type] ?? []));
      kept.set(name, kinds.size === 1 ? [...kinds][0] : undefined);
      continue;
    }
    if (plan.readerOf(name) !== undefined) {
      const { text, line } = await placeInFile(source, await problem.row());
      const fields = { file: source.file.name, line, column: name };
      throw new PerennialError('data-unreadable', `${text}: ${problem.reason}; ${problem.wayOut}`, fields);
    }
    leaveOutUnkept(source.file, { name, ...problem }, plan, warn);
  }
  return kept;
}

/** Returns the JSON types, except null, of the cells of each column, in the order of the names. */
async function typesOfCells(
  database: LockedDatabase,
  { names, table }: Source,
): Promise<readonly (readonly string[])[]> {
  const found = await database.row(
    `SELECT ${names.map((_, at) => `string_agg(DISTINCT ${typeOfCell(at)}, ',') AS k${at}`).join(', ')} FROM cells_${table}`,
  );
  return names.map((_, at) =>
    String(found[`k${at}`] ?? '')
      .split(',')
      .filter((type) => type !== ''),
  );
}

function typeOfCell(at: number): string {
  return `nullif(json_type(cells[${at + 1}]), 'NULL')`;
}

interface Cells {
  readonly at: number;
  readonly name: string;
  readonly types: readonly string[];
  readonly isDeclared: boolean;
}

function problemOf(
  database: LockedDatabase,
  { table }: Source,
  { at, name, types, isDeclared }: Cells,
): Problem | undefined {
  const firstRow = (condition: string) => async () =>
    Number((await database.row(`SELECT min("_row") AS row FROM cells_${table} WHERE ${condition}`)).row);
  const odd = types.find((type) => kindOf[type] === undefined);
  if (odd !== undefined)
    return {
      type: odd.toLowerCase(),
      reason: `"${name}" is an ${odd.toLowerCase()}`,
      wayOut: 'write each of its values under a separate name',
      row: firstRow(`${typeOfCell(at)} = ${literal(odd)}`),
    };
  const [kind, other] = new Set(types.flatMap((type) => kindOf[type] ?? []));
  if (kind === undefined || other === undefined || isDeclared) return undefined;
  const others = types.filter((type) => kindOf[type] === other).map(literal);
  return {
    type: `${kind} and ${other}`,
    reason: `"${name}" is a ${other} here and a ${kind} elsewhere`,
    wayOut: `write it the same way in all lines, or declare data.columns: { ${name}: string }`,
    row: firstRow(`${typeOfCell(at)} IN (${others.join(', ')})`),
  };
}

function tooLong(name: string, isDeclared: boolean, inexact: ReadonlyMap<string, InexactNumber>): Problem | undefined {
  const found = inexact.get(name);
  // Whole numbers of a declared column are checked against its type later.
  if (found === undefined || (isDeclared && found.isWhole)) return undefined;
  const value = found.value.length > 60 ? `${found.value.slice(0, 60)}…` : found.value;
  const declare = found.isWhole ? `declare data.columns: { ${name}: string }, or ` : '';
  return {
    type: `numbers such as ${value}`,
    reason: `"${name}" is ${value}, which has more digits than a number can hold exactly`,
    wayOut: `${declare}write it in quotes, as text, or with fewer digits`,
    row: () => Promise.resolve(found.row),
  };
}
