import type { MetricName } from '../../contracts/models/metrics.ts';
import type { Generation } from '../../contracts/serving/deployment.ts';
import type { ServedPeriod } from '../../contracts/runs/rehearsal.ts';
import type { Report } from '../../contracts/monitoring/report.ts';

/** What the page of a report is made from. */
export interface ReportDocument {
  readonly report: Report;
  /** The reports up to this one, the oldest first, itself the last. */
  readonly history: readonly Report[];
  /** Of the environment, the oldest first. */
  readonly generations: readonly Generation[];
  /** In a rehearsal: the rows of the report's period that were not answered. */
  readonly served?: ServedPeriod | undefined;
  /** What performance over time is told by. */
  readonly metric: MetricName;
}
