import { DuckDBInstance } from '@duckdb/node-api';

// The floor of ingestion: DuckDB reads the CSV and writes Parquet, with nothing in between. Run as
// `node bare-ingestion.ts CSV PARQUET`; prints the milliseconds without the start of the process.

const quoted = (path: string | undefined): string => `'${(path ?? '').replaceAll("'", "''")}'`;
const [csv, parquet] = process.argv.slice(2);
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const begun = performance.now();
await connection.run(`COPY (SELECT * FROM read_csv(${quoted(csv)})) TO ${quoted(parquet)} (FORMAT parquet)`);
process.stdout.write(`${performance.now() - begun}\n`);
