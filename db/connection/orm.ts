import { createRequire } from 'node:module';
import type * as Core from 'drizzle-orm';
import type * as Connected from 'drizzle-orm/node-postgres';
import type * as Migrations from 'drizzle-orm/node-postgres/migrator';
import type * as Postgres from 'drizzle-orm/pg-core';

// Loads Drizzle as CommonJS, and only here. Node 26 parses Drizzle's 180 kB package.json once per ECMAScript module,
// which costs 0.6 s at each start; CommonJS takes 0.08 s.

const load = createRequire(import.meta.url);
const core: typeof Core = load('drizzle-orm');
const postgres: typeof Postgres = load('drizzle-orm/pg-core');
const connected: typeof Connected = load('drizzle-orm/node-postgres');
const migrations: typeof Migrations = load('drizzle-orm/node-postgres/migrator');

export type AnyColumn = Core.Column;
export type SQL = Core.SQL;
export const {
  and,
  asc,
  count,
  desc,
  eq,
  exists,
  getTableColumns,
  getTableName,
  gt,
  gte,
  inArray,
  is,
  isNotNull,
  isNull,
  lt,
  lte,
  max,
  ne,
  notExists,
  notInArray,
  or,
  sql,
} = core;

export type PgColumn = Postgres.PgColumn;
export type PgTable = Postgres.PgTable;
export const {
  bigint,
  boolean,
  check,
  doublePrecision,
  getTableConfig,
  index,
  integer,
  jsonb,
  pgTable,
  PgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} = postgres;

export type NodePgDatabase<Schema extends Record<string, unknown>> = Connected.NodePgDatabase<Schema>;
export const { drizzle } = connected;
export const { migrate: applyMigrations } = migrations;
