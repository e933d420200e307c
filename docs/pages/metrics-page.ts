import { createApiMetrics } from '../../api/api-metrics.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { GatewayMetrics } from '../../gateway/gateway-metrics.ts';
import { code, generatedNote, page, markdownTable } from './markdown.ts';

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** Metrics about Node and the process, which every prom-client registry has. */
const ofTheProcess = /^(process|nodejs)_/;

export async function metricsPage(): Promise<string> {
  return page(
    '# Metrics',
    generatedNote('api/api-metrics.ts and gateway/gateway-metrics.ts'),
    'The API and each gateway serve their metrics in the Prometheus text format at `/metrics`. Reading them requires an API key with the role `viewer` on everything; Prometheus sends the key that is set as `authorization.credentials`. Each process counts separately, so sum over the gateways.',
    '## API',
    rows(await apiMetrics()),
    'The API also has the `process_…` and `nodejs_…` metrics of every Node process.',
    '## Gateway',
    rows(await gatewayMetrics()),
    'Where possible, metrics have the names of KServe (`request_predict_seconds`) and Triton (`nv_inference_…`), so that existing dashboards work.',
  );
}

function rows(metrics: readonly Metric[]): string {
  return markdownTable(
    ['metric', 'type', 'meaning'],
    metrics.map(({ name, type, help }) => [code(name), type, help]),
  );
}

async function apiMetrics(): Promise<readonly Metric[]> {
  // The only query is for pending counts, and the metrics allow for an unreachable database, so no database is needed
  // here.
  const repositories = createPostgresRepositories({
    url: 'postgres://127.0.0.1:1/none',
    clock: createSystemClock(),
    ids: createIdMaker(),
  });
  try {
    return metricsIn(await createApiMetrics({ repositories }).text()).filter(({ name }) => !ofTheProcess.test(name));
  } finally {
    await repositories.close();
  }
}

async function gatewayMetrics(): Promise<readonly Metric[]> {
  const metrics = new GatewayMetrics({
    staleSeconds: () => 0,
    diskFull: () => false,
    logBytes: () => 0,
    waitingSegments: () => 0,
    generations: () => [],
    mismatches: () => [],
  });
  return metricsIn(await metrics.text());
}

/** Parses the `# HELP name text` and `# TYPE name type` lines of the exposition format. */
function metricsIn(exposition: string): readonly Metric[] {
  const types = new Map(
    [...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  );
  return [...exposition.matchAll(/^# HELP (\S+) (.*)$/gm)]
    .map(([, name = '', help = '']) => ({ name, help, type: types.get(name) ?? 'untyped' }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}
