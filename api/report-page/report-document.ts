import type { MetricName } from '../../contracts/metrics.ts';
import type { Generation } from '../../contracts/deployment.ts';
import type { Report } from '../../contracts/report.ts';

/** What the page of a report is made from. */
export interface ReportDocument {
  readonly report: Report;
  /** The reports up to this one, the oldest first, itself the last. */
  readonly history: readonly Report[];
  /** Of the environment, the oldest first. */
  readonly generations: readonly Generation[];
  /** What performance over time is told by. */
  readonly metric: MetricName;
}
