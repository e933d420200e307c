import { DuckDBInstance } from '@duckdb/node-api';

/**
 * Writes a CSV of rows with a key, an instant, two categories and six numbers; about 73 bytes a row. The rows are those
 * of `from` to `to - 1`, so that a later file continues an earlier one.
 */
export async function writeSensorRows(path: string, from: number, to: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (
    SELECT i AS id, TIMESTAMP '2024-01-01' + to_seconds(i) AS at, 's' || (i % 50) AS station,
      CASE WHEN i % 3 = 0 THEN 'dry' ELSE 'wet' END AS weather,
      round(20 + 10 * sin(i / 5000.0) + (hash(i) % 1000) / 500.0, 3) AS temp,
      round((hash(i + 1) % 10000) / 100.0, 2) AS humidity, round((hash(i + 2) % 4000) / 100.0, 2) AS wind,
      (hash(i + 3) % 24)::INTEGER AS load, round((hash(i + 4) % 100000) / 1000.0, 3) AS pressure,
      (hash(i + 5) % 1000)::INTEGER AS count
    FROM range(${from}, ${to}) AS rows(i)) TO '${path.replaceAll("'", "''")}' (FORMAT csv, HEADER)`);
  connection.closeSync();
}

export const sensorFeatures = ['station', 'weather', 'temp', 'humidity', 'wind', 'load', 'pressure'] as const;
