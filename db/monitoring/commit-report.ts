import { and, asc, eq, isNull } from '../connection/orm.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { Report, ReportBody } from '../../contracts/monitoring/report.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { written } from '../connection/not-found.ts';
import { proveRun } from '../runs/prove-run.ts';
import { recordTrigger } from '../lifecycle/record-trigger.ts';
import { findings, reports } from './monitoring-tables.ts';
import { shortNumber } from './short-number.ts';
import { storableJson, storableText } from '../connection/storable.ts';
import { inScope } from '../connection/in-scope.ts';

type Commit = Parameters<MonitoringRepository['commitReport']>;
type Verdict = Commit[2][number];
type FindingRow = typeof findings.$inferSelect;
type Told = ReportBody['findings'][number];

/** Values that every step of one commit needs. */
interface Committing {
  readonly context: RepositoryContext;
  readonly tx: Transaction;
  readonly scope: Commit[0];
  readonly run: Commit[3];
  readonly reportId: Id;
  readonly now: Instant;
}

export function toReport(row: typeof reports.$inferSelect): Report {
  return { ...row, recordedAt: toInstant(row.recordedAt), effectiveAt: toInstant(row.effectiveAt) };
}

/** Selects the open findings of a scope, oldest first. */
export function selectOpenFindings(tx: Executor, scope: Pick<Commit[0], 'modelId' | 'environment'>) {
  return tx
    .select()
    .from(findings)
    .where(and(inScope(findings, scope), isNull(findings.closedAt)))
    .orderBy(asc(findings.openedAt), asc(findings.id));
}

/**
 * Implements `MonitoringRepository.commitReport`. The scope's lock prevents two reports from opening the same finding.
 */
export async function commitReport(
  context: RepositoryContext,
  tx: Transaction,
  ...[scope, report, verdicts, run]: Commit
): Promise<Report> {
  await lockScope(tx, scope, null);
  await proveRun(tx, scope, run.runId, 'monitor');
  const [known] = await tx.select().from(reports).where(eq(reports.runId, run.runId));
  if (known !== undefined) return toReport(known);
  const now = await environmentNow(context, tx, scope);
  const committing = { context, tx, scope, run, reportId: context.ids.next(), now };
  const open = await selectOpenFindings(tx, scope);
  const told = await closeClear(committing, report, open, verdicts);
  const opened = report.sufficient ? await openNew(committing, open, verdicts) : [];
  const triggers = await recordTriggers(committing, opened);
  const body = storableJson({ ...report, findings: [...told, ...opened], triggers });
  return insertReport(committing, body);
}

async function insertReport({ context, tx, scope, run, reportId, now }: Committing, body: ReportBody): Promise<Report> {
  const { modelId, environment } = scope;
  const digest = sha256OfJson(body);
  const [row] = await tx
    .insert(reports)
    .values({
      id: reportId,
      modelId,
      environment,
      digest,
      body,
      runId: run.runId,
      effectiveAt: toDate(now),
      recordedBy: run.by,
    })
    .returning();
  const count = (state: Told['state']): number => body.findings.filter((finding) => finding.state === state).length;
  const sufficient = body.sufficient ? '' : ', too few to decide';
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'report.made',
    subject: { runId: run.runId, reportId, digest, from: body.from, to: body.to, triggers: body.triggers },
    reason: `${body.predictions} predictions${sufficient}: ${count('opened')} findings opened, ${count('open')} still open, ${count('closed')} closed`,
    effectiveAt: now,
    by: run.by,
  });
  return toReport(written(row));
}

/**
 * Maps verdicts by kind and subject. If a column has the name of the prediction or the target, the worse verdict
 * counts.
 */
function verdictsByName(verdicts: readonly Verdict[]): ReadonlyMap<string, Verdict> {
  const byName = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    // A value that could not be measured neither opens nor closes a finding.
    if (!Number.isFinite(verdict.value) || !Number.isFinite(verdict.threshold)) continue;
    const name = nameOf(verdict);
    if (byName.get(name)?.breached !== true) byName.set(name, verdict);
  }
  return byName;
}

function nameOf({ kind, subject }: Pick<Verdict, 'kind' | 'subject'>): string {
  return `${kind} of ${storableText(subject)}`;
}

/**
 * Closes earlier findings whose champion was replaced, or for which two sufficient windows in a row, the second ending
 * later, are clear. A value that fluctuates around its threshold thus causes one finding and one trigger. A subject
 * that was not measured (too few labels, a missing column) is not clear.
 */
async function closeClear(
  committing: Committing,
  { sufficient, ...window }: Pick<Commit[1], 'sufficient' | 'to'>,
  open: readonly FindingRow[],
  verdicts: readonly Verdict[],
): Promise<readonly Told[]> {
  const byName = verdictsByName(verdicts);
  const told: Told[] = [];
  for (const finding of open) {
    const { id, kind, subject } = finding;
    const replaced = finding.championReleaseId !== committing.run.championReleaseId;
    const verdict = replaced ? undefined : byName.get(nameOf(finding));
    const clear = sufficient && verdict?.breached === false;
    const { value, threshold } = verdict ?? finding;
    const clearSince = replaced
      ? null
      : await clearingSince(committing, finding, window, sufficient ? verdict : undefined);
    const closes = replaced || (clear && clearSince !== null && clearSince < window.to);
    if (replaced) await close(committing, finding, 'its champion was replaced');
    else if (closes)
      await close(
        committing,
        finding,
        `clear twice in a row: ${shortNumber(value)} against the threshold ${shortNumber(threshold)}`,
      );
    const entry: Told = {
      id,
      kind,
      subject,
      state: closes ? 'closed' : 'open',
      value,
      threshold,
      since: toInstant(finding.openedAt),
    };
    told.push(clearSince === null ? entry : { ...entry, clearSince });
  }
  return told;
}

/** Stores and returns the end of the first clear window; null if there is none or the finding was breached again. */
async function clearingSince(
  { tx }: Committing,
  finding: FindingRow,
  window: Pick<Commit[1], 'to'>,
  verdict: Verdict | undefined,
): Promise<Instant | null> {
  const known = finding.clearSince === null ? null : toInstant(finding.clearSince);
  if (verdict === undefined) return known;
  const since = verdict.breached ? null : (known ?? window.to);
  if (since !== known) {
    await tx
      .update(findings)
      .set({ clearSince: since === null ? null : toDate(since) })
      .where(eq(findings.id, finding.id));
  }
  return since;
}

async function close(
  { context, tx, scope, run, reportId, now }: Committing,
  finding: FindingRow,
  why: string,
): Promise<void> {
  await tx
    .update(findings)
    .set({ closedBy: reportId, closedAt: toDate(now) })
    .where(eq(findings.id, finding.id));
  const { id: findingId, kind, subject, championReleaseId } = finding;
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'finding.closed',
    subject: { runId: run.runId, reportId, findingId, kind, subject, championReleaseId },
    reason: `${nameOf(finding)}: ${why}`,
    effectiveAt: now,
    by: run.by,
  });
}

async function openNew(
  committing: Committing,
  open: readonly FindingRow[],
  verdicts: readonly Verdict[],
): Promise<readonly Told[]> {
  const { context, tx, scope, run, reportId, now } = committing;
  const { modelId, environment } = scope;
  const { championReleaseId } = run;
  const known = new Set(open.filter((row) => row.championReleaseId === championReleaseId).map(nameOf));
  const opened: Told[] = [];
  for (const [name, { kind, subject: said, value, threshold, breached }] of verdictsByName(verdicts)) {
    if (!breached || known.has(name)) continue;
    const id = context.ids.next();
    const subject = storableText(said);
    const row = { id, modelId, environment, kind, subject, championReleaseId, value, threshold };
    await tx.insert(findings).values({ ...row, openedBy: reportId, openedAt: toDate(now), recordedBy: run.by });
    await appendLedger(context, tx, {
      modelId,
      environment,
      kind: 'finding.opened',
      subject: { runId: run.runId, reportId, findingId: id, kind, subject, championReleaseId, value, threshold },
      reason: `${name}: ${shortNumber(value)} against the threshold ${shortNumber(threshold)}`,
      effectiveAt: now,
      by: run.by,
    });
    opened.push({ id, kind, subject, state: 'opened', value, threshold, since: now });
  }
  return opened;
}

/** Records one trigger per kind, named after its first new finding. Findings that stay open have had their trigger. */
async function recordTriggers(
  { context, tx, scope, run }: Committing,
  opened: readonly Told[],
): Promise<ReportBody['triggers']> {
  const recorded: ReportBody['triggers'] = [];
  for (const kind of new Set(run.triggerOn)) {
    const [first, ...more] = opened.filter((finding) => finding.kind === kind);
    if (first === undefined) continue;
    const beside = more.length === 0 ? '' : `, and ${more.length} more`;
    await recordTrigger(context, tx, scope, {
      kind,
      reason: `${nameOf(first)}: ${shortNumber(first.value)} against the threshold ${shortNumber(first.threshold)}${beside}`,
      fingerprint: `finding ${first.id}`,
      by: run.by,
    });
    recorded.push(kind);
  }
  return recorded;
}
