import { and, desc, eq, inArray, sql } from '../connection/orm.ts';
import { z } from 'zod';
import { canonicalJson } from '../../contracts/canonical.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { MissingPolicy } from '../../contracts/configuration/serve-section.ts';
import type { Generation, Slot } from '../../contracts/serving/deployment.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { shortDigest } from '../../contracts/identifiers.ts';
import type { StoredEntry } from '../../contracts/ledger/ledger-chain.ts';
import { ledgerDigest } from '../../contracts/ledger/ledger-chain.ts';
import type { ServingEntry } from '../../ports/repositories/deployment-repository.ts';
import type { Executor } from '../connection/connect.ts';
import { generationsOf, toGeneration } from './generations.ts';
import { configurations } from '../models/model-tables.ts';
import { ledger } from '../ledger/ledger-tables.ts';
import { modelVersions } from '../versions/version-tables.ts';
import { releases } from './deployment-tables.ts';
import { toStored } from '../ledger/stored-entry.ts';
import { inScope } from '../connection/in-scope.ts';

// A generation row states what serves; its ledger entry states what was decided. Comparing them reveals a change to
// either that bypassed the decision.

/** A release with the configuration and model version that it serves. */
export interface ServedRelease {
  readonly row: typeof releases.$inferSelect;
  readonly configuration: Configuration;
  readonly version: ServingEntry['versions'][number];
}

/** The ledger entry of a generation, and whether it fits its neighbours in the chain. */
export interface RaisedEntry {
  readonly entry: StoredEntry;
  /**
   * True if the entry contains the digest of the entry before it, and the entry after it (if any) contains this one's.
   */
  readonly chained: boolean;
}

const Raised = z.object({
  runId: z.string(),
  generation: z.number(),
  change: z.string(),
  slots: z.array(z.object({ role: z.string(), releaseDigest: z.string(), weight: z.number() })),
});

/** Maximum number of entries searched for the last generation that matches the ledger. */
const lookBack = 50;

export function environmentKey({ modelId, environment }: Pick<Scope, 'modelId' | 'environment'>): string {
  return `${modelId}/${environment}`;
}

/** Returns the newest entry that raised a generation in each scope, by `environmentKey`. */
export async function newestRaised(
  tx: Executor,
  scopes: readonly Pick<Scope, 'modelId' | 'environment'>[],
): Promise<ReadonlyMap<string, RaisedEntry>> {
  if (scopes.length === 0) return new Map();
  const [modelIds, environments] = [scopes.map((scope) => scope.modelId), scopes.map((scope) => scope.environment)];
  const { rows } = await tx.execute<{ model_id: string; sequence: string }>(sql`
    select newest.model_id, newest.sequence
    from unnest(${sql.param(modelIds)}::uuid[], ${sql.param(environments)}::text[]) as asked(model_id, environment)
    cross join lateral (
      select l.model_id, l.sequence from ledger l
      where l.model_id = asked.model_id and l.environment = asked.environment and l.kind = 'generation.raised'
      order by l.sequence desc limit 1) newest`);
  const found = await withNeighbours(
    tx,
    rows.map((row) => ({ modelId: row.model_id, sequence: Number(row.sequence) })),
  );
  return new Map(found.map((raised) => [placeOfEntry(raised), raised]));
}

function placeOfEntry({ entry }: RaisedEntry): string {
  return environmentKey({ modelId: entry.modelId, environment: entry.environment ?? '' });
}

async function withNeighbours(
  tx: Executor,
  wanted: readonly { readonly modelId: Id; readonly sequence: number }[],
): Promise<readonly RaisedEntry[]> {
  if (wanted.length === 0) return [];
  const places = wanted.flatMap(({ modelId, sequence }) =>
    [sequence - 1, sequence, sequence + 1].map((at) => ({ modelId, at })),
  );
  const rows = await tx
    .select()
    .from(ledger)
    .where(
      sql`(${ledger.modelId}, ${ledger.sequence}) in (select * from unnest(${sql.param(places.map((place) => place.modelId))}::uuid[], ${sql.param(places.map((place) => place.at))}::bigint[]))`,
    );
  const stored = new Map(rows.map((row) => [`${row.modelId}/${row.sequence}`, toStored(row)]));
  return wanted.flatMap(({ modelId, sequence }) => {
    const entry = stored.get(`${modelId}/${sequence}`);
    if (entry === undefined) return [];
    const [before, after] = [sequence - 1, sequence + 1].map((at) => stored.get(`${modelId}/${at}`));
    const chained =
      entry.previous === (before?.digest ?? null) && (after === undefined || after.previous === entry.digest);
    return [{ entry, chained }];
  });
}

/** Returns how the generation differs from its ledger entry, or `undefined` if it does not. */
export function mismatchOf(
  scope: Scope,
  generation: Generation,
  raised: RaisedEntry | undefined,
  served: ReadonlyMap<Id, ServedRelease>,
): string | undefined {
  const named = `generation ${generation.generation}`;
  if (raised === undefined) return `${named} has no entry in the ledger`;
  const { entry, chained } = raised;
  if (digestOf(entry) !== entry.digest)
    return `entry ${entry.sequence} of the ledger, which records ${named}, was changed`;
  if (!chained)
    return `entry ${entry.sequence} of the ledger, which records ${named}, does not match the entries before and after it`;
  const subject = Raised.safeParse(entry.subject).data;
  if (subject?.generation !== generation.generation)
    return `the ledger's last generation is ${subject?.generation ?? 'unknown'} (entry ${entry.sequence}), but the database has ${named}`;
  const recorded = [subject.change, subject.runId, subject.slots, entry.reason, entry.recordedBy, entry.effectiveAt];
  const { change, runId, slots, reason, recordedBy, effectiveAt } = generation;
  const told = slots.map(({ role, releaseDigest, weight }) => ({ role, releaseDigest, weight }));
  if (canonicalJson(recorded) !== canonicalJson([change, runId, told, reason, recordedBy, effectiveAt]))
    return `${named} does not match entry ${entry.sequence} of the ledger: its releases, weights, time or reason were changed`;
  return slots.map((slot) => slotMismatch(scope, slot, served)).find((why) => why !== undefined);
}

function digestOf(entry: StoredEntry): string | undefined {
  try {
    return ledgerDigest(entry);
  } catch {
    return undefined;
  }
}

/** Checks one slot. A release's digest covers its body, and the body names the served artifact and configuration. */
function slotMismatch(scope: Scope, slot: Slot, served: ReadonlyMap<Id, ServedRelease>): string | undefined {
  const release = served.get(slot.releaseId);
  const named = `the ${slot.role}'s release ${shortDigest(slot.releaseDigest)}`;
  if (release === undefined) return `${named} is missing`;
  const { row, version, configuration } = release;
  const { body } = row;
  if (row.digest !== slot.releaseDigest || sha256OfJson(body) !== row.digest)
    return `${named} was changed: its content does not match its digest`;
  if (body.model.project !== scope.project || body.model.name !== scope.model)
    return `${named} belongs to another model, ${body.model.name}`;
  if (version.id !== slot.modelVersionId || version.artifact !== body.artifact)
    return `${named} does not have the artifact that it was made with`;
  if (sha256OfJson(configuration) !== body.configuration)
    return `${named} does not have the configuration that it was made with`;
  return undefined;
}

interface Reading {
  readonly missing?: MissingPolicy;
  readonly nulls?: readonly string[];
}

/**
 * Returns how request values are read. Fields are set only if the configuration names them, so that existing ledger
 * entries stay valid.
 */
function readingOf({ serve: { missing }, data: { nulls } }: Configuration): Reading {
  return { ...(missing === undefined ? {} : { missing }), ...(nulls === undefined ? {} : { nulls }) };
}

/** Returns the configuration and model version of each release. */
export async function readServedReleases(tx: Executor, ids: readonly Id[]): Promise<ReadonlyMap<Id, ServedRelease>> {
  if (ids.length === 0) return new Map();
  const rows = await tx
    .select({ row: releases, configuration: configurations.body, version: modelVersions })
    .from(releases)
    .innerJoin(configurations, eq(configurations.id, releases.configurationId))
    .innerJoin(modelVersions, eq(modelVersions.id, releases.modelVersionId))
    .where(inArray(releases.id, [...ids]));
  return new Map(
    rows.map(({ row, configuration, version: { id, number, artifact, format, signature } }) => [
      row.id,
      {
        row,
        configuration,
        version: { id, number, artifact, format, signature, releaseDigest: row.digest, ...readingOf(configuration) },
      },
    ]),
  );
}

/** Returns the scope's newest generation that matches the ledger, with its releases, or `undefined`. */
export async function lastProven(
  tx: Executor,
  scope: Scope,
): Promise<{ readonly generation: Generation; readonly served: ReadonlyMap<Id, ServedRelease> } | undefined> {
  const raised = await withNeighbours(
    tx,
    await tx
      .select({ modelId: ledger.modelId, sequence: ledger.sequence })
      .from(ledger)
      .where(and(inScope(ledger, scope), eq(ledger.kind, 'generation.raised')))
      .orderBy(desc(ledger.sequence))
      .limit(lookBack),
  );
  for (const one of raised) {
    const number = Raised.safeParse(one.entry.subject).data?.generation;
    const generation = number === undefined ? undefined : await generationOf(tx, scope, number);
    if (generation === undefined) continue;
    const served = await readServedReleases(
      tx,
      generation.slots.map((slot) => slot.releaseId),
    );
    if (mismatchOf(scope, generation, one, served) === undefined) return { generation, served };
  }
  return undefined;
}

async function generationOf(tx: Executor, scope: Scope, number: number): Promise<Generation | undefined> {
  const [row] = await generationsOf(tx, scope, sql`generation = ${number}`).limit(1);
  return row === undefined ? undefined : toGeneration(row);
}

/**
 * Returns how this generation, the newest or an older one, differs from its ledger entry, or `undefined` if it does
 * not.
 */
export async function provenGeneration(
  tx: Executor,
  scope: Scope,
  generation: Generation,
): Promise<string | undefined> {
  const [known] = await tx
    .select({ modelId: ledger.modelId, sequence: ledger.sequence })
    .from(ledger)
    .where(
      and(
        inScope(ledger, scope),
        eq(ledger.kind, 'generation.raised'),
        sql`${ledger.subject} ->> 'generation' = ${String(generation.generation)}`,
      ),
    )
    .limit(1);
  const [raised] = await withNeighbours(tx, known === undefined ? [] : [known]);
  const served = await readServedReleases(
    tx,
    generation.slots.map((slot) => slot.releaseId),
  );
  return mismatchOf(scope, generation, raised, served);
}
