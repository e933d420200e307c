import type { Approval, ApprovalStatus, ApprovalSubject, ApprovalWarning } from '../../contracts/serving/approval.ts';
import type { EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Principal, Viewer } from '../../contracts/access/principal.ts';

export interface ApprovalRepository {
  /**
   * Creates one approval request per run, and another one each time the champion has changed since the run's last
   * request was approved. Sets the run to `awaiting-approval` and supersedes older pending requests of the scope. With
   * `policy.votes` 0 the request is approved at once. A request that replaces an approved one closes it, and is itself
   * superseded if another run made a request in between.
   */
  request(
    scope: Scope,
    request: {
      readonly runId: Id;
      readonly digest: Sha256;
      /** The run's approved request that this one replaces; absent: this is the run's first request. */
      readonly replaces?: Id;
      readonly subject: ApprovalSubject;
      readonly warnings?: readonly ApprovalWarning[];
      readonly evidence: Approval['evidence'];
      readonly details?: EvidenceDetails;
      readonly by: Id;
    },
  ): Promise<Approval>;
  get(id: Id): Promise<Approval>;
  /** Returns the additional evidence of the request, or null if none was collected. */
  details(id: Id): Promise<EvidenceDetails | null>;
  list(
    viewer: Viewer,
    filter: {
      readonly project: string;
      readonly status?: ApprovalStatus;
      readonly model?: string;
      readonly environment?: string;
    },
    page: PageRequest,
  ): Promise<Page<Approval>>;
  /**
   * Records a vote. Errors: `digest-not-current`; `vote-refused` (requester, last committer, missing role, or a second
   * vote, even an equal one); `approval-closed` (decided, expired by the environment's clock, or superseded).
   */
  vote(
    id: Id,
    vote: { readonly decision: 'approve' | 'reject'; readonly digest: Sha256; readonly comment: string },
    voter: Principal,
  ): Promise<Approval>;
  /**
   * Counts the votes under a lock and decides the request if they suffice or time is up; one reject vote rejects it.
   * Also records the reminder. Votes are counted in no other method.
   */
  tally(
    id: Id,
    /** The run that made the request. */
    runId: Id,
  ): Promise<{
    readonly status: ApprovalStatus;
    readonly expiresInMs: number | null;
    /**
     * Milliseconds until the reminder is due, at half of the request's lifetime. The ledger gets one reminder; null
     * afterwards.
     */
    readonly remindInMs: number | null;
  }>;
}
