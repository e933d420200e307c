import type { MetricName } from '../../contracts/models/metrics.ts';
import type { Generation } from '../../contracts/serving/deployment.ts';
import type { ServedPeriod } from '../../contracts/runs/rehearsal.ts';
import type { Report } from '../../contracts/monitoring/report.ts';

/** Content of a report page. */
export interface ReportDocument {
  readonly report: Report;
  /** Reports up to and including this one, oldest first. */
  readonly history: readonly Report[];
  /** Generations of the environment, oldest first. */
  readonly generations: readonly Generation[];
  /** In a rehearsal: the rows of the report's period that were not answered. */
  readonly served?: ServedPeriod | undefined;
  /** Metric that is shown as performance over time. */
  readonly metric: MetricName;
}
