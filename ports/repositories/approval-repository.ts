import type { Approval, ApprovalStatus, ApprovalSubject, ApprovalWarning } from '../../contracts/serving/approval.ts';
import type { EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Principal, Viewer } from '../../contracts/access/principal.ts';

export interface ApprovalRepository {
  /**
   * Makes one request per run, and one more whenever the champion has changed since the last one was approved.
   * Sets the run to awaiting-approval and supersedes older pending requests of the scope. With policy.votes 0 it is
   * approved at once. One that takes the place of an approved request closes that one, and is superseded itself where a
   * request of another run was made in between.
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
  /** What the request shows besides; null where none was gathered. */
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
   * Records a vote. `digest-not-current`, `vote-refused` (requester, last committer, role, second vote), `approval-closed` (decided, expired by the environment's clock, superseded).
   * The same vote again by the same principal is `vote-refused`.
   */
  vote(
    id: Id,
    vote: { readonly decision: 'approve' | 'reject'; readonly digest: Sha256; readonly comment: string },
    voter: Principal,
  ): Promise<Approval>;
  /** Counts the votes under a lock and decides if they suffice or time is up, and reminds: the only place that decides. One reject rejects. */
  tally(
    id: Id,
    /** Who asked for it, and counts. */
    runId: Id,
  ): Promise<{
    readonly status: ApprovalStatus;
    readonly expiresInMs: number | null;
    /** Until half of its time has passed, when the ledger gets a reminder, once; null after that. */
    readonly remindInMs: number | null;
  }>;
}
