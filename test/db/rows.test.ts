import { getTableConfig, getTableName, is, type PgColumn, PgTable } from '../../db/connection/orm.ts';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ApprovalSubject, Approval } from '../../contracts/serving/approval.ts';
import { EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import { CodeManifest } from '../../contracts/code/code-version.ts';
import { CommandBody } from '../../contracts/runs/command.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { DatasetManifest, DatasetProfile } from '../../contracts/data/dataset-version.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { TrainingKeyParts } from '../../contracts/models/model-version.ts';
import { Signature } from '../../contracts/models/signature.ts';
import { RehearsalPlan } from '../../contracts/runs/rehearsal.ts';
import { ReleaseBody } from '../../contracts/serving/release.ts';
import { ReportBody } from '../../contracts/monitoring/report.ts';
import { RunRequest } from '../../contracts/runs/run.ts';
import * as schema from '../../db/schema.ts';

// Checks the tables as the schema declares them. `migrate.test.ts` tests that the migrations create the same tables.
const everything: readonly unknown[] = Object.values(schema);
const tables = everything.filter((table) => is(table, PgTable)).map((table) => getTableConfig(table));
type Table = (typeof tables)[number];

/** Tables without `recorded_by`, with the required foreign key that leads to a principal instead. */
const namedElsewhere: Readonly<Record<string, { readonly column: string; readonly refersTo: PgTable; why: string }>> = {
  approvals: { column: 'requested_by', refersTo: schema.principals, why: 'the word of the noun' },
  votes: { column: 'principal_id', refersTo: schema.principals, why: 'the word of the noun' },
  run_steps: { column: 'run_id', refersTo: schema.runs, why: 'a part of a run, which names one' },
  run_results: { column: 'run_id', refersTo: schema.runs, why: 'a part of a run, which names one' },
  run_logs: { column: 'run_id', refersTo: schema.runs, why: 'a part of a run, which names one; there are many lines' },
  reachable_blobs: { column: 'collection_id', refersTo: schema.garbageCollections, why: 'the mark of a collection' },
  full_profiles: {
    column: 'dataset_version_id',
    refersTo: schema.datasetVersions,
    why: 'derived from the rows of a version, which names one',
  },
  segment_countings: { column: 'model_id', refersTo: schema.models, why: 'derived from the reference of a version' },
  segment_summaries: { column: 'model_id', refersTo: schema.models, why: 'derived from the rows of a segment' },
  collected_blobs: { column: 'collection_id', refersTo: schema.garbageCollections, why: 'the work of a collection' },
};

/** Tables in which a process of the platform records its own state, with the column that identifies the process. */
const toldByProcesses: Readonly<Record<string, string>> = {
  gateways: 'id',
  acknowledgements: 'gateway_id',
  serving_counts: 'gateway_id',
  shadow_counts: 'gateway_id',
  prediction_segments: 'gateway_id',
  predictions: 'gateway_id',
  workers: 'id',
};

/** The installation creates the first row of these tables before any principal exists. */
const firstHasNobody: ReadonlySet<string> = new Set(['principals', 'grants', 'api_keys']);

/** JSON columns with a version of their own. All other JSON columns have the version in the row's `schema_version`. */
const versionedByContract: Readonly<Record<string, z.ZodType>> = {
  'configurations.body': Configuration,
  'dataset_versions.manifest': DatasetManifest,
  'dataset_versions.profile': DatasetProfile,
  'full_profiles.profile': DatasetProfile,
  'code_versions.manifest': CodeManifest,
  'model_versions.signature': Signature,
  'model_versions.training_key_parts': TrainingKeyParts,
  'evaluations.body': EvaluationBody,
  'releases.body': ReleaseBody,
  'approvals.subject': ApprovalSubject,
  'approvals.evidence': Approval.shape.evidence,
  'approvals.details': EvidenceDetails,
  'commands.body': CommandBody,
  'runs.request': RunRequest,
  'reports.body': ReportBody,
  'rehearsals.plan': RehearsalPlan,
};

const versionedOtherwise: Readonly<Record<string, string>> = {
  'ledger.subject': '`appendLedger` writes schemaVersion into each, beneath the digest of the entry',
  'approvals.warnings': 'written with the evidence of the same row, whose `schemaVersion` covers both',
  'segment_summaries.summary': 'its type requires `schemaVersion`; it is computed again from the rows at any time',
  'labels.class': 'a text or a truth value, which its type in JSON tells; there is no shape to version',
  'waiting_labels.class': 'as that of a label',
  'label_corrections.replaced': 'a number, a text or a truth value; there is no shape to version',
  'label_corrections.replacement': 'a number, a text or a truth value; there is no shape to version',
};

function columnOf(table: Table, name: string): PgColumn | undefined {
  return table.columns.find((column) => column.name === name);
}

function mustBeSet(table: Table, name: string): boolean {
  return columnOf(table, name)?.notNull === true;
}

function refersTo(table: Table, name: string, target: PgTable): boolean {
  return table.foreignKeys.some((key) => {
    const { columns, foreignTable } = key.reference();
    return columns.length === 1 && columns[0]?.name === name && foreignTable === target;
  });
}

/** Returns what is wrong with the authorship of the table's rows, or undefined if nothing is wrong. */
function namelessBecause(table: Table): string | undefined {
  const { name } = table;
  const elsewhere = namedElsewhere[name];
  const teller = toldByProcesses[name];
  const recordedBy = columnOf(table, 'recorded_by');
  if (firstHasNobody.has(name)) return recordedBy === undefined ? 'has no recorded_by' : undefined;
  if (recordedBy !== undefined) {
    if (elsewhere !== undefined || teller !== undefined) return 'has recorded_by and is excepted';
    return recordedBy.notNull && refersTo(table, 'recorded_by', schema.principals) ? undefined : 'may name nobody';
  }
  if (teller !== undefined) return mustBeSet(table, teller) ? undefined : 'does not name its process';
  if (elsewhere === undefined) return 'has no recorded_by';
  const { column, refersTo: target } = elsewhere;
  return mustBeSet(table, column) && refersTo(table, column, target)
    ? undefined
    : `does not refer to ${getTableName(target)}`;
}

const Branch = z.object({ properties: z.object({ schemaVersion: z.object({ const: z.literal(1) }) }) });
const Required = z.object({ required: z.array(z.string()) });
const Union = z
  .object({ oneOf: z.array(z.unknown()) })
  .or(z.object({ anyOf: z.array(z.unknown()) }).transform(({ anyOf }) => ({ oneOf: anyOf })));

/** Returns whether every shape that the JSON schema allows requires `schemaVersion: 1`. */
function carriesVersion(json: unknown): boolean {
  const union = Union.safeParse(json);
  if (union.success) return union.data.oneOf.every(carriesVersion);
  const required = Required.safeParse(json);
  return Branch.safeParse(json).success && required.success && required.data.required.includes('schemaVersion');
}

test('every row has its time by the wall clock', () => {
  const missing = tables.filter((table) => !mustBeSet(table, 'recorded_at')).map((table) => table.name);
  expect(tables.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});

test('every row refers to the principal that wrote it, directly or through another row', () => {
  const wrong = tables.map((table) => [table.name, namelessBecause(table)]).filter(([, why]) => why !== undefined);
  expect(wrong).toEqual([]);
});

test('JSON in a row has a version, or its row has', () => {
  const unversioned = tables.flatMap((table) =>
    table.columns
      .filter((column) => column.getSQLType() === 'jsonb')
      .map((column) => `${table.name}.${column.name}`)
      .filter((name) => !(name in versionedByContract) && !(name in versionedOtherwise))
      .filter(() => !mustBeSet(table, 'schema_version')),
  );
  expect(unversioned).toEqual([]);
});

test('JSON with a version of its own cannot be written without it', () => {
  const without = Object.entries(versionedByContract)
    .filter(([, contract]) => !carriesVersion(z.toJSONSchema(contract, { io: 'input', unrepresentable: 'any' })))
    .map(([name]) => name);
  expect(without).toEqual([]);
});

test('every exception belongs to an existing table or column', () => {
  const columns = tables.flatMap((table) => table.columns.map((column) => `${table.name}.${column.name}`));
  const known = new Set([...tables.map((table) => table.name), ...columns]);
  const named = [
    ...Object.keys(namedElsewhere),
    ...Object.keys(toldByProcesses),
    ...firstHasNobody,
    ...Object.keys(versionedByContract),
    ...Object.keys(versionedOtherwise),
  ];
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
