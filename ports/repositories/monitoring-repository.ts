import type { Id, Instant, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { AddedLabels, LabelCorrection, LabelInput } from '../../contracts/monitoring/label.ts';
import type { PredictionSegment } from '../../contracts/serving/prediction.ts';
import type { Finding, FindingKind, Report, ReportBody, Traffic } from '../../contracts/monitoring/report.ts';

export interface MonitoringRepository {
  /**
   * One per segment id. Labels that waited for its predictions are joined with them.
   *
   * @param index which predictions it has: pages, each the text of a JSON list of `IndexedPrediction`.
   */
  addSegment(segment: Omit<PredictionSegment, 'recordedAt'>, index: readonly string[]): Promise<void>;
  /** Segments that overlap `[from, to)` by event time, oldest first. */
  segments(scope: Scope, from: Instant, to: Instant): Promise<readonly PredictionSegment[]>;
  /**
   * Forgets segments whose rows all happened before that instant, the oldest first, at most 200 at once; the ledger keeps
   * what they were. Answers the digests that no other segment has: remove those bytes, and call again until it answers none.
   */
  expireSegments(
    scope: Scope,
    before: Instant,
    run: { readonly runId: Id; readonly by: Id },
  ): Promise<readonly Sha256[]>;
  /** Whether a label names a prediction or request that is not known, for which a gateway may still have to be asked. */
  hasUnknown(scope: Scope, labels: readonly LabelInput[]): Promise<boolean>;
  /**
   * Takes labels one by one and says what became of them. The later label of a prediction counts, by arrival; the ledger keeps
   * what it replaced. Labels of predictions that are not known are kept within bounds, and joined when the predictions arrive.
   */
  addLabels(scope: Scope, labels: readonly LabelInput[], by: Id): Promise<AddedLabels>;
  /** What labels were before they were corrected; of one entry of the ledger, or of all. */
  corrections(scope: Scope, sequence: number | undefined, page: PageRequest): Promise<Page<LabelCorrection>>;
  /** How many labels wait for their predictions. */
  waitingLabels(scope: Scope): Promise<number>;
  /** Labels of these prediction ids, and when they were given. */
  labels(
    scope: Scope,
    ids: readonly string[],
  ): Promise<readonly { readonly id: string; readonly value: ClassValue; readonly at: Instant }[]>;
  /** Forgets which predictions there were before that instant, at most 50,000 at once; call again until it is none. */
  expireIndex(scope: Scope, before: Instant): Promise<number>;
  /**
   * Forgets labels, also waiting ones, and corrections that were given before that instant, at most 50,000 at once: what they are labels of happened before they
   * were given, so it has expired too. Answers how many; call again until it is none.
   */
  expireLabels(scope: Scope, before: Instant): Promise<number>;
  /** What gateways have answered of the scope since the beginning, champion and canary together. */
  traffic(scope: Scope): Promise<Traffic['totals']>;
  openFindings(scope: Scope): Promise<readonly Finding[]>;
  /**
   * One report per run: opens and closes findings, records one trigger per newly opened finding's kind (fingerprint: finding),
   * and fills `findings` and `triggers` of the body, whose canonical JSON then gives the digest.
   */
  commitReport(
    scope: Scope,
    report: Omit<ReportBody, 'findings' | 'triggers'>,
    verdicts: readonly {
      readonly kind: FindingKind;
      readonly subject: string;
      readonly value: number;
      readonly threshold: number;
      readonly breached: boolean;
    }[],
    context: {
      readonly runId: Id;
      readonly championReleaseId: Id;
      readonly triggerOn: readonly ('drift' | 'performance')[];
      readonly by: Id;
    },
  ): Promise<Report>;
  report(id: Id): Promise<Report>;
  reports(scope: Scope, page: PageRequest): Promise<Page<Report>>;
}
