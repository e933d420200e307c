/** How long a pipeline step is retried after the same error: a number of consecutive attempts, or a number of hours. */
export type RetryBound = { readonly attempts: number } | { readonly hours: number };

type ErrorRow = { readonly status: number; readonly about: string } & (
  | { readonly retryable: false }
  | { readonly retryable: true; readonly until: RetryBound }
);

/** The outage of a service overnight does not end a run. After a day a person has to intervene. */
const outage = { hours: 24 } as const;

/**
 * Every error code of Perennial. A row holds the HTTP status, whether a retry can help and until when (read by
 * `activities/steps/retry-end.ts`), and the sentence that is printed in docs/reference/errors.md.
 */
export const errorTable = {
  // usage
  'invalid-request': {
    status: 400,
    retryable: false,
    about: 'The request does not have the shape that the route expects.',
  },
  'invalid-configuration': {
    status: 400,
    retryable: false,
    about: 'perennial.yaml has an unknown key or a value of the wrong type.',
  },
  'invalid-expression': {
    status: 400,
    retryable: false,
    about: 'An expression in the configuration is not one scalar expression over the columns.',
  },
  'invalid-setting': {
    status: 500,
    retryable: false,
    about: 'An environment variable has a value that cannot be used.',
  },
  unauthenticated: { status: 401, retryable: false, about: 'The API key is missing, unknown, revoked or expired.' },
  forbidden: {
    status: 403,
    retryable: false,
    about: 'The API key is valid, but its principal lacks the required role.',
  },
  'not-found': { status: 404, retryable: false, about: 'The thing does not exist, or does not belong to this model.' },
  'configuration-differs': {
    status: 409,
    retryable: false,
    about: 'A release was made under a configuration that differs from the one of the target environment.',
  },
  conflict: {
    status: 409,
    retryable: false,
    about: 'The thing exists already with other content, or has changed in the meantime.',
  },
  'idempotency-conflict': {
    status: 409,
    retryable: false,
    about: 'The Idempotency-Key was used before with another body.',
  },
  'method-not-allowed': {
    status: 405,
    retryable: false,
    about: 'The path exists but does not accept this method; the header Allow lists the methods that it accepts.',
  },
  'unsupported-media-type': {
    status: 415,
    retryable: false,
    about: 'The body has a Content-Type, a charset or a Content-Encoding that the route does not read.',
  },
  'too-large': { status: 413, retryable: false, about: 'Something is larger than the limit that the message names.' },
  'limit-reached': {
    status: 422,
    retryable: false,
    about:
      'Work exceeded the memory, time or disk that a setting allows, and was stopped; the message names the setting.',
  },
  // this machine
  'disk-full': {
    status: 507,
    retryable: true,
    until: outage,
    about: 'The disk that the message names is full; the waiting work continues by itself when there is room.',
  },
  // bytes
  'digest-mismatch': {
    status: 422,
    retryable: false,
    about: 'The bytes that were sent do not have the SHA-256 that the request names.',
  },
  'not-uploaded': {
    status: 422,
    retryable: false,
    about: 'A request names bytes that its project neither uploaded nor produced.',
  },
  'blob-missing': {
    status: 500,
    retryable: false,
    about: 'The object store lacks bytes that a database row refers to.',
  },
  'blob-corrupt': {
    status: 500,
    retryable: false,
    about:
      'Bytes in the object store differ from those that were stored, or cannot be read in the format in which they were stored.',
  },
  'store-unavailable': { status: 503, retryable: true, until: outage, about: 'The object store does not answer.' },
  // sources
  'source-unavailable': {
    status: 502,
    retryable: false,
    about: 'A source of data or code did not answer or broke off the transfer, and retries did not help.',
  },
  'source-refused': {
    status: 422,
    retryable: false,
    about: 'An address of data or code is not allowed, such as a private address, or a query is not one SELECT.',
  },
  // data
  'data-unreadable': { status: 422, retryable: false, about: 'A file cannot be parsed in its declared format.' },
  'data-empty': { status: 422, retryable: false, about: 'A file has no rows.' },
  'schema-changed': {
    status: 422,
    retryable: false,
    about: 'A column is missing or new, or its type differs from the pinned type.',
  },
  'duplicate-key': { status: 422, retryable: false, about: 'Two rows of one batch have the same key.' },
  'key-conflict': {
    status: 422,
    retryable: false,
    about: 'A row has the key of an existing row but other values, and the mode is append.',
  },
  'expectations-failed': {
    status: 422,
    retryable: false,
    about: 'An expectation of severity error failed; nothing was committed.',
  },
  // code and training
  'archive-unsafe': {
    status: 422,
    retryable: false,
    about: 'An archive contains a link, an absolute path, or a path that leaves its folder.',
  },
  'code-unusable': {
    status: 422,
    retryable: false,
    about: 'A repository lacks the configured path, or contains a link or a Git LFS pointer where code is expected.',
  },
  'environment-failed': {
    status: 422,
    retryable: false,
    about: 'The training environment cannot be created from its lock file.',
  },
  'training-failed': {
    status: 422,
    retryable: false,
    about: 'The training command ended with an exit code other than 0.',
  },
  'training-timeout': {
    status: 422,
    retryable: false,
    about: 'The training command exceeded its time limit and was stopped.',
  },
  'training-limit': {
    status: 422,
    retryable: false,
    about:
      'The training command exceeded the memory, processes, files or disk that build.resources allows, and was stopped.',
  },
  'sandbox-unavailable': {
    status: 422,
    retryable: false,
    about: 'This machine cannot isolate a command in the way that the settings or the command require.',
  },
  'artifact-missing': { status: 422, retryable: false, about: 'The training command wrote no model file.' },
  'artifact-invalid': {
    status: 422,
    retryable: false,
    about: 'The model cannot be loaded, refers to files outside itself, or has inputs other than the features.',
  },
  'prediction-invalid': {
    status: 422,
    retryable: false,
    about: 'The model answers with values that are not finite numbers, or with the wrong number of rows.',
  },
  'no-data': { status: 422, retryable: false, about: 'There is no dataset, or no rows in the window.' },
  'no-code': { status: 422, retryable: false, about: 'There is no code version; take a snapshot first.' },
  // what was recorded
  'ledger-mismatch': {
    status: 500,
    retryable: false,
    about:
      'A chain of the ledger, or something that the ledger describes, is not as it was recorded: somebody changed the database or the object store directly.',
  },
  unhealthy: { status: 500, retryable: false, about: '`perennial doctor` found problems that are not repaired.' },
  // deployment
  'not-a-candidate': {
    status: 409,
    retryable: false,
    about: 'The version was rejected by the gates, withdrawn, or never evaluated.',
  },
  'digest-not-current': {
    status: 409,
    retryable: false,
    about: 'A vote names a digest other than that of the approval request.',
  },
  'vote-refused': {
    status: 403,
    retryable: false,
    about: 'The voter requested the deployment, lacks the role, or has voted already.',
  },
  'approval-closed': {
    status: 409,
    retryable: false,
    about: 'The approval request is decided, expired or superseded.',
  },
  'gateways-absent': {
    status: 503,
    retryable: true,
    until: outage,
    about: 'No gateway holds a live lease, or a gateway has not loaded the release in time.',
  },
  'model-archived': { status: 409, retryable: false, about: 'The model is archived; restore it first.' },
  'nothing-to-roll-back': { status: 409, retryable: false, about: 'There is no release before the one that serves.' },
  'rollout-superseded': {
    status: 409,
    retryable: false,
    about: 'Another deployment or a rollback has replaced this deployment.',
  },
  unproven: {
    status: 403,
    retryable: false,
    about:
      'A step was requested by something other than the execution of its run, or the database does not permit the step: for example, there is no approval, the release is not the approved one, or another step comes next.',
  },
  'step-not-due': {
    status: 409,
    retryable: false,
    about:
      'The approved strategy requires the previous step of the rollout to last longer or to answer more requests; the deployment tries again later.',
  },
  'lease-lost': {
    status: 409,
    retryable: false,
    about: 'A newer attempt of the same step holds the lease; this attempt commits nothing.',
  },
  // monitoring
  'notification-failed': {
    status: 502,
    retryable: true,
    until: { attempts: 12 },
    about:
      'The webhook of a connection refused a message or did not answer; the message is sent again for some minutes.',
  },
  // machinery
  'too-busy': {
    status: 503,
    retryable: true,
    until: outage,
    about: 'The gateway holds as many bytes of large requests as it may; it did not process this one.',
  },
  'model-unavailable': {
    status: 503,
    retryable: true,
    until: outage,
    about: 'The gateway serves no release of this model.',
  },
  'api-unavailable': {
    status: 503,
    retryable: true,
    until: outage,
    about: 'The API does not answer at the address that the command uses.',
  },
  'database-unavailable': { status: 503, retryable: true, until: outage, about: 'Postgres does not answer.' },
  'temporal-unavailable': {
    status: 503,
    retryable: true,
    until: outage,
    about: 'Temporal does not answer; the command is kept and sent again.',
  },
  'process-died': {
    status: 500,
    retryable: true,
    until: { attempts: 5 },
    about: 'A helper process ended before it answered.',
  },
  'step-lost': {
    status: 500,
    retryable: false,
    about:
      'A step of a run never reported how it ended: no worker started or finished it in time, or its worker died each time.',
  },
  cancelled: { status: 409, retryable: false, about: 'The run was cancelled.' },
  internal: {
    status: 500,
    retryable: true,
    until: { attempts: 5 },
    about: 'A defect in Perennial; the log has the details.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export type ErrorFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * The only error class of Perennial. `message` names the thing that failed, the reason and the way out; `fields`
 * carries the same for programs. In Temporal the error becomes an ApplicationFailure whose type is `code`; over HTTP, a
 * problem document.
 */
export class PerennialError extends Error {
  override readonly name = 'PerennialError';
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.fields = fields;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** Returns how long a step is retried after this error, or `undefined` if it is not retried. */
export function retryBoundOf(code: ErrorCode): RetryBound | undefined {
  const row: ErrorRow = errorTable[code];
  return row.retryable ? row.until : undefined;
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** Returns the message of a caught value, which need not be an Error. */
export function reasonOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}
