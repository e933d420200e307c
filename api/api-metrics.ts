import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ApiDependencies } from './api-dependencies.ts';

export interface ApiMetrics {
  observe(request: { readonly method: string; readonly route: string; readonly status: number }, seconds: number): void;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Creates metrics with their own registry, so that two servers in one process do not share counters. */
export function createApiMetrics({ repositories }: Pick<ApiDependencies, 'repositories'>): ApiMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  new Gauge({
    name: 'perennial_pending_command_scopes',
    help: 'Number of models, counted once per environment, with commands that no lifecycle has taken yet.',
    registers: [registry],
    async collect() {
      // Read at each scrape. If the database is unreachable, this gauge is NaN and the other metrics are still
      // reported.
      const scopes = await repositories.lifecycle.stranded(0).catch(() => undefined);
      this.set(scopes?.length ?? Number.NaN);
    },
  });
  return {
    observe: ({ method, route, status }, seconds) =>
      durations.observe({ method, route, status: String(status) }, seconds),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
