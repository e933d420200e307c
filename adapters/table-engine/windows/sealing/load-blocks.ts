import { DuckDBDataChunk } from '@duckdb/node-api';
import type { StoredKind } from '../../../../contracts/data/column-batch.ts';
import { blockRoles } from '../../../../contracts/serving/segment-blocks/block-format.ts';
import type { LockedDatabase } from '../../process/locked-database.ts';
import { literal } from '../../sql.ts';
import type { LoadedRecords } from './loaded-records.ts';
import { typeOfKinds } from './loaded-records.ts';
import type { StagedBlock, StagedColumn } from './staged-columns.ts';
import { stagedBlock, stagedColumns, stagedNumber, stagedText, stagedVector } from './staged-columns.ts';
import type { Survey } from './survey-blocks.ts';
import { eachBlock, surveyBlocks } from './survey-blocks.ts';

/**
 * Loads a segment of blocks into the table `staged`, block by block and without text in between, and creates the view
 * `records` over it. Its last block may be incomplete.
 */
export async function loadBlocks(
  database: LockedDatabase,
  path: string,
  kinds: readonly StoredKind[],
): Promise<LoadedRecords> {
  const survey = await surveyBlocks(path, kinds);
  const columns = stagedColumns(survey);
  await database.run(`CREATE TABLE staged (${columns.map(({ name, type }) => `${name} ${String(type)}`).join(', ')})`);
  const appender = await database.connection.createAppender('staged');
  const writer = new ChunkWriter(columns, (chunk) => appender.appendDataChunk(chunk));
  await eachBlock(path, survey.decoder, (block) => writer.add(stagedBlock(block, survey)));
  writer.end();
  appender.closeSync();
  await database.run(`CREATE VIEW records AS SELECT ${recordColumns(survey).join(', ')} FROM staged`);
  return { answers: answerColumns(survey), features: survey.filled.map((_, at) => featureColumn(survey, at)) };
}

const rowsInChunk = 2048;

/** Collects rows in chunks of the size that the database works with. */
class ChunkWriter {
  readonly #columns: readonly StagedColumn[];
  readonly #append: (chunk: DuckDBDataChunk) => void;
  #chunk: DuckDBDataChunk;
  #rows = 0;

  constructor(columns: readonly StagedColumn[], append: (chunk: DuckDBDataChunk) => void) {
    this.#columns = columns;
    this.#append = append;
    this.#chunk = this.#newChunk();
  }

  add(block: StagedBlock): void {
    for (let from = 0; from < block.rows;) {
      const count = Math.min(block.rows - from, rowsInChunk - this.#rows);
      for (const [at, { fill }] of this.#columns.entries())
        fill(this.#chunk.getColumnVector(at), this.#rows, block, from, count);
      from += count;
      this.#rows += count;
      if (this.#rows === rowsInChunk) this.end();
    }
  }

  /** Appends the rows collected so far. */
  end(): void {
    if (this.#rows === 0) return;
    for (const at of this.#columns.keys()) this.#chunk.getColumnVector(at).flush();
    this.#chunk.rowCount = this.#rows;
    this.#append(this.#chunk);
    this.#chunk = this.#newChunk();
    this.#rows = 0;
  }

  #newChunk(): DuckDBDataChunk {
    return DuckDBDataChunk.create(
      this.#columns.map(({ type }) => type),
      rowsInChunk,
    );
  }
}

function recordColumns({ contexts, requests }: Survey): string[] {
  const chosen = (texts: readonly string[], column: string): string =>
    texts.length === 1 ? (texts[0] ?? '') : `list_extract([${texts.join(', ')}], ${column} + 1)`;
  const instant = (column: string): string => `make_timestamp(CAST(${column} AS BIGINT) * 1000)`;
  return [
    '* EXCLUDE (id, context, role' + (requests ? ', request, request_row)' : ')'),
    'decode(id) AS id',
    requests ? 'decode(request) AS request' : 'CAST(NULL AS VARCHAR) AS request',
    requests ? 'request_row AS row' : 'CAST(NULL AS INTEGER) AS row',
    `${instant('event_ms')} AS event_time`,
    `${instant('recorded_ms')} AS recorded_at`,
    `${chosen(
      contexts.map(({ release }) => literal(release)),
      'context',
    )} AS release`,
    `CAST(${chosen(
      contexts.map(({ modelVersion }) => String(modelVersion)),
      'context',
    )} AS BIGINT) AS model_version`,
    `CAST(${chosen(
      contexts.map(({ generation }) => String(generation)),
      'context',
    )} AS BIGINT) AS generation`,
    `${chosen(blockRoles.map(literal), 'role')} AS role`,
  ];
}

function answerColumns(survey: Survey): string[] {
  const type = typeOfKinds([...survey.predictions]);
  const prediction = { DOUBLE: finite('prediction'), BOOLEAN: 'prediction', VARCHAR: 'decode(prediction)' }[type];
  return [
    `${prediction} AS prediction`,
    ...(survey.probabilities ? ['probabilities'] : []),
    ...(survey.vectors.size > 0 ? [`${vectorMap([...survey.vectors])} AS vectors`] : []),
    ...(survey.errors ? ['decode(error) AS error'] : []),
    ...(survey.requests ? ['request', 'row AS request_row'] : []),
  ];
}

/** Returns SQL of the map of the vectors that a row has; NULL if it has none. */
function vectorMap(names: readonly string[]): string {
  const entries = names.map((name, place) => `{'key': ${literal(name)}, 'value': ${stagedVector(place)}}`);
  const present = `list_filter([${entries.join(', ')}], lambda entry: entry.value IS NOT NULL)`;
  return `CASE WHEN ${names.map((_, place) => `${stagedVector(place)} IS NOT NULL`).join(' OR ')} THEN map_from_entries(${present}) END`;
}

function featureColumn({ layout: { kinds, places }, filled }: Survey, column: number): string {
  const kind = kinds[column] ?? 'number';
  const place = places[column] ?? 0;
  if (filled[column] !== true) return `CAST(NULL AS ${typeOfKinds([])})`;
  if (kind === 'text') return `decode(${stagedText(place)})`;
  const number = finite(stagedNumber(place));
  return kind === 'boolean' ? `${number} = 1` : number;
}

/** Returns SQL that turns NaN, which stands for a missing number, and infinite numbers into NULL. */
function finite(column: string): string {
  return `CASE WHEN isfinite(${column}) THEN ${column} END`;
}
