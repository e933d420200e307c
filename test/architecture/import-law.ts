/**
 * Who may import what: the table of the design, a row a room. `x (types)` is a permission that is erased before it runs.
 * A room may always import itself. A row for one file adds to its room's. What a row permits and nobody uses is an error.
 */
export interface ImportRow {
  /** A folder with a slash at its end, or one file. */
  readonly room: string;
  /** Rooms, packages, `node:` for any module of Node; 'anything' but the rooms that nobody imports. */
  readonly may: readonly string[] | 'anything';
  /** Folders within it that may not see each other. */
  readonly siblingsApart?: boolean;
}

/** The one adapter that its siblings may import. */
export const everyonesAdapter = 'adapters/sandbox/';

/** Nothing outside them imports them. */
export const importedByNobody = ['test/', 'bench/', 'examples/', 'docs/'] as const;

export const importLaw: readonly ImportRow[] = [
  { room: 'contracts/', may: ['zod', 'luxon', 'canonicalize'] },
  { room: 'contracts/digest.ts', may: ['node:crypto'] },
  // Addresses and networks are compared by Node's own lists.
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
  // It loads Drizzle as CommonJS, which takes a tenth of the time.
  { room: 'db/connection/orm.ts', may: ['drizzle-orm (types)'] },
  {
    room: 'adapters/',
    may: ['contracts/', 'ports/ (types)', 'files/', 'adapters/sandbox/', 'node:'],
    siblingsApart: true,
  },
  // What its supervisor says is parsed before it is believed.
  { room: 'adapters/sandbox/', may: ['zod'] },
  { room: 'adapters/code-archive/', may: ['tar-stream'] },
  { room: 'adapters/data-source/', may: ['minio', 'pg'] },
  { room: 'adapters/ids/', may: ['uuid'] },
  { room: 'adapters/logger/', may: ['pino'] },
  // One file loads the library, after it has switched its reports off.
  { room: 'adapters/model-formats/', may: ['onnxruntime-node (types)'] },
  { room: 'adapters/notifier/', may: ['standardwebhooks'] },
  { room: 'adapters/object-store/', may: ['minio'] },
  { room: 'adapters/table-engine/', may: ['@duckdb/node-api'] },
  // What an index, pip and Python say is parsed before it is believed.
  { room: 'adapters/environments/', may: ['zod'] },
  // What a supervisor and a script's metrics.json say is parsed before it is believed.
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

/** The only places that read the environment; all others are handed settings. */
export const environmentReaders: readonly (string | RegExp)[] = [
  'worker/',
  'stack/',
  'setup/',
  'test/',
  'bench/',
  /^[a-z]+\/main\.ts$/,
  'cli/perennial.mjs',
  'vitest.config.ts',
  // It reads nothing: it sets the one variable that switches its library's reports off.
  'adapters/model-formats/onnx/onnx-runtime.ts',
];
