/**
 * One row of the import law, which states the design's table of permitted imports. `x (types)` permits type imports
 * only. A folder may always import its own files. A row for one file adds to the row of its folder. A permission that
 * no import uses is an error.
 */
export interface ImportRow {
  /** A folder with a slash at its end, or one file. */
  readonly room: string;
  /**
   * Folders, packages, or `node:` for every module of Node. 'anything' means everything except the folders that nothing
   * may import.
   */
  readonly may: readonly string[] | 'anything';
  /** Subfolders of this folder may not import each other. */
  readonly siblingsApart?: boolean;
}

/** The one adapter that all other adapters may import. */
export const everyonesAdapter = 'adapters/sandbox/';

/** Folders that no file outside them may import. */
export const importedByNobody = ['test/', 'bench/', 'examples/', 'docs/'] as const;

export const importLaw: readonly ImportRow[] = [
  { room: 'contracts/', may: ['zod', 'luxon', 'canonicalize'] },
  { room: 'contracts/digest.ts', may: ['node:crypto'] },
  // The checksum of a block, which gateways write and the table engine checks.
  { room: 'contracts/serving/segment-blocks/', may: ['contracts/', 'node:zlib'] },
  // Compares addresses and networks with Node's own `BlockList`.
  { room: 'contracts/settings/proxies.ts', may: ['node:net'] },
  { room: 'contracts/monitoring/label-file.ts', may: ['csv-parse'] },
  { room: 'contracts/configuration/configuration-text.ts', may: ['yaml'] },
  { room: 'statistics/', may: [] },
  { room: 'files/', may: ['node:'] },
  { room: 'ports/', may: ['contracts/ (types)', 'node:stream (types)', 'node:http (types)', 'node:net (types)'] },
  { room: 'workflows/', may: ['contracts/', '@temporalio/workflow', '@temporalio/common'] },
  {
    room: 'activities/',
    may: [
      'contracts/',
      'statistics/',
      'ports/ (types)',
      '@temporalio/activity',
      '@temporalio/common',
      'luxon',
      'zod (types)',
      'node:',
    ],
  },
  { room: 'activities/deployment/evidence/', may: ['diff'] },
  { room: 'db/', may: ['contracts/', 'ports/ (types)', 'pg', 'zod', 'node:'] },
  // Imports only types: the file loads Drizzle as CommonJS, which is several times faster than as ES modules.
  { room: 'db/connection/orm.ts', may: ['drizzle-orm (types)'] },
  {
    room: 'adapters/',
    may: ['contracts/', 'ports/ (types)', 'files/', 'adapters/sandbox/', 'node:'],
    siblingsApart: true,
  },
  // The supervisor's output is validated with zod.
  { room: 'adapters/sandbox/', may: ['zod'] },
  { room: 'adapters/code-archive/', may: ['tar-stream'] },
  { room: 'adapters/data-source/', may: ['minio', 'pg'] },
  { room: 'adapters/logger/', may: ['pino'] },
  // Types only: the one file that loads the library switches off its telemetry first.
  { room: 'adapters/model-formats/', may: ['onnxruntime-node (types)'] },
  { room: 'adapters/notifier/', may: ['standardwebhooks'] },
  { room: 'adapters/object-store/', may: ['minio'] },
  { room: 'adapters/table-engine/', may: ['@duckdb/node-api'] },
  // The output of package indexes, pip and Python is validated with zod.
  { room: 'adapters/environments/', may: ['zod'] },
  // The output of the supervisor and a script's metrics.json are validated with zod.
  { room: 'adapters/trainers/', may: ['zod'] },
  { room: 'adapters/workflow-client/', may: ['@temporalio/client', '@temporalio/common'] },
  {
    room: 'api/',
    may: [
      'contracts/',
      'ports/ (types)',
      'pages/',
      'fastify',
      'fastify-type-provider-zod',
      '@fastify/swagger',
      '@fastify/swagger-ui',
      'prom-client',
      'zod',
      'node:',
    ],
  },
  { room: 'pages/', may: ['contracts/'] },
  { room: 'api/main.ts', may: 'anything' },
  { room: 'gateway/', may: ['contracts/', 'ports/ (types)', 'files/', 'fastify', 'prom-client', 'zod', 'node:'] },
  { room: 'gateway/main.ts', may: 'anything' },
  {
    room: 'cli/',
    may: ['contracts/', 'files/', 'commander', 'cli-table3', 'picocolors', 'tar-stream', 'zod', 'node:'],
  },
  { room: 'cli/files/', may: ['ignore'] },
  { room: 'cli/following/', may: ['eventsource-parser'] },
  { room: 'worker/', may: 'anything' },
  { room: 'stack/', may: 'anything' },
  { room: 'setup/', may: ['node:'] },
  { room: 'docker/', may: [] },
  { room: 'test/', may: 'anything' },
  { room: 'bench/', may: 'anything' },
  { room: 'examples/', may: 'anything' },
  { room: 'docs/', may: 'anything' },
  { room: 'vitest.config.ts', may: ['vitest', 'node:'] },
  { room: 'drizzle.config.ts', may: ['drizzle-kit'] },
];

/** The only places that may read the environment. All other code receives settings as arguments. */
export const environmentReaders: readonly (string | RegExp)[] = [
  'worker/',
  'stack/',
  'setup/',
  'test/',
  'bench/',
  /^[a-z]+\/main\.ts$/,
  'cli/perennial.mjs',
  'vitest.config.ts',
  // Sets one variable, which switches off the library's telemetry, and reads none.
  'adapters/model-formats/onnx/onnx-runtime.ts',
];
