// All tables, for Drizzle and its migrations. Immutable rows belong to a model and carry their digest; rows that change
// belong to {model, environment}.
export * from './principals/principal-tables.ts';
export * from './models/model-tables.ts';
export * from './environments/environment-tables.ts';
export * from './blobs/blob-tables.ts';
export * from './datasets/dataset-tables.ts';
export * from './code/code-tables.ts';
export * from './versions/version-tables.ts';
export * from './deployments/deployment-tables.ts';
export * from './gateways/gateway-tables.ts';
export * from './workers/worker-tables.ts';
export * from './approvals/approval-tables.ts';
export * from './lifecycle/lifecycle-tables.ts';
export * from './runs/run-tables.ts';
export * from './labels/label-tables.ts';
export * from './monitoring/monitoring-tables.ts';
export * from './monitoring/summary-tables.ts';
export * from './schedules/schedule-tables.ts';
export * from './rehearsals/rehearsal-tables.ts';
export * from './connections/connection-tables.ts';
export * from './ledger/ledger-tables.ts';
export * from './collections/collection-tables.ts';
