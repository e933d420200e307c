import type { Id, Instant, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { AddedLabels, LabelCorrection, LabelInput } from '../../contracts/monitoring/label.ts';
import type { KeyedCounting, SegmentSummary } from '../segment-summary.ts';
import type { PredictionSegment } from '../../contracts/serving/prediction.ts';
import type { Finding, FindingKind, Report, ReportBody, Traffic } from '../../contracts/monitoring/report.ts';

export interface MonitoringRepository {
  /**
   * Stores a segment, once per segment id, and joins labels that were waiting for its predictions.
   *
   * @param index the segment's predictions as pages, each the text of a JSON list of `IndexedPrediction`.
   * @param summary the segment's summary and the key of its counting, if it was summarised.
   */
  addSegment(
    segment: Omit<PredictionSegment, 'recordedAt'>,
    index: AsyncIterable<string> | Iterable<string>,
    summary?: { readonly key: Sha256; readonly summary: SegmentSummary },
  ): Promise<void>;
  /** Returns segments that overlap `[from, to)` by event time, oldest first. */
  segments(scope: Scope, from: Instant, to: Instant): Promise<readonly PredictionSegment[]>;
  /** Returns how segments are to be counted when they are sealed; undefined if no report has wanted it yet. */
  counting(scope: Pick<Scope, 'modelId' | 'environment'>): Promise<KeyedCounting | undefined>;
  /** Has segments counted in this way from now on. */
  useCounting(scope: Scope, counting: KeyedCounting): Promise<void>;
  /**
   * Returns the summaries that segments have with this counting, by the segment's digest. A summary that differs from
   * its digest is left out.
   */
  summaries(scope: Scope, segments: readonly Sha256[], key: Sha256): Promise<ReadonlyMap<Sha256, SegmentSummary>>;
  /** Stores summaries of segments, by the segment's digest. Of each segment, the two latest are kept. */
  addSummaries(scope: Scope, key: Sha256, summaries: ReadonlyMap<Sha256, SegmentSummary>): Promise<void>;
  /** Whether it is known that no id occurs twice in these segments. */
  haveDistinctIds(scope: Scope, segments: readonly Sha256[]): Promise<boolean>;
  /**
   * Deletes segments whose rows all happened before the instant, oldest first, at most 200 per call. The ledger keeps
   * their ids and digests. Returns the digests that no other segment has: remove those bytes, and call again until none
   * is returned.
   */
  expireSegments(
    scope: Scope,
    before: Instant,
    run: { readonly runId: Id; readonly by: Id },
  ): Promise<readonly Sha256[]>;
  /**
   * Returns whether a label names an unknown prediction or request, so that gateways may have to flush their logs
   * first.
   */
  hasUnknown(scope: Scope, labels: readonly LabelInput[]): Promise<boolean>;
  /**
   * Stores labels and reports the result of each. For one prediction the label that arrives last counts, and the ledger
   * records what it replaced. A bounded number of labels of unknown predictions is kept and joined when the predictions
   * arrive.
   */
  addLabels(scope: Scope, labels: readonly LabelInput[], by: Id): Promise<AddedLabels>;
  /** Returns the values that labels had before they were corrected, for one ledger entry or for all. */
  corrections(scope: Scope, sequence: number | undefined, page: PageRequest): Promise<Page<LabelCorrection>>;
  /** Whether any prediction has a label. */
  hasLabels(scope: Scope): Promise<boolean>;
  /** Returns the number of labels that wait for their predictions. */
  waitingLabels(scope: Scope): Promise<number>;
  /** Returns the labels of these prediction ids and when they were given. */
  labels(
    scope: Scope,
    ids: readonly string[],
  ): Promise<readonly { readonly id: string; readonly value: ClassValue; readonly at: Instant }[]>;
  /**
   * Deletes index entries of predictions made before the instant, at most 50,000 per call. Returns how many; call again
   * until it returns 0.
   */
  expireIndex(scope: Scope, before: Instant): Promise<number>;
  /**
   * Deletes labels, waiting labels and corrections given before the instant, at most 50,000 per call. Their predictions
   * are older than the labels and have therefore expired too. Returns how many; call again until it returns 0.
   */
  expireLabels(scope: Scope, before: Instant): Promise<number>;
  /** Returns the total counts of answers by champion and canary in the scope, over all gateways and time. */
  traffic(scope: Scope): Promise<Traffic['totals']>;
  openFindings(scope: Scope): Promise<readonly Finding[]>;
  /**
   * Stores one report per run: opens and closes findings, records one trigger per kind of newly opened finding (its
   * fingerprint is the finding), and fills the body's `findings` and `triggers`. The digest is of the body's canonical
   * JSON.
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
