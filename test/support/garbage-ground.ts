import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEndCollection,
  createMarkReachable,
  createSweepGarbage,
} from '../../activities/retention/collection-activities.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import type { Collection } from '../../contracts/runs/collection.ts';
import { usualGraceMs } from '../../contracts/runs/collection.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import type { TableEngine } from '../../ports/table-engine.ts';
import { createTestDatabase } from './postgres-of-tests.ts';

/** A database, a disk object store whose blobs can be given any age, and its garbage collection. */
export interface GarbageGround {
  readonly repositories: Repositories;
  readonly databaseUrl: string;
  readonly scope: Scope;
  readonly by: Id;
  readonly store: ObjectStore;
  /** Stores these bytes with a modification time in the past and returns their digest. */
  put(text: string, ageMs?: number): Promise<Sha256>;
  age(sha256: Sha256, ageMs: number): Promise<void>;
  /** Returns the digests of all stored blobs. */
  stored(): Promise<ReadonlySet<Sha256>>;
  /** Collects garbage; `engine` profiles the heads whose profile is partly that of an earlier version. */
  collect(options?: {
    readonly dryRun?: boolean;
    readonly store?: ObjectStore;
    readonly engine?: Pick<TableEngine, 'profile'>;
  }): Promise<Collection>;
  /** What the collections warned of. */
  readonly warned: readonly string[];
  /** Removes every stored object. */
  emptyStore(): Promise<void>;
  end(): Promise<void>;
}

const month = 30 * usualGraceMs;

export async function layGarbageGround(configuration: Configuration): Promise<GarbageGround> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'perennial-garbage-'));
  const store = createDiskObjectStore(folder);
  const repositories = createPostgresRepositories({
    url: database.url,
    clock: createSystemClock(),
    ids: createIdMaker(),
  });
  const by = (await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null)).id;
  const { scope } = await repositories.models.apply('default', 'production', configuration, by);
  const warned: string[] = [];
  const age = async (sha256: Sha256, ageMs: number): Promise<void> => {
    const then = new Date(Date.now() - ageMs);
    await utimes(join(folder, sha256.slice(0, 2), sha256), then, then);
  };
  return {
    repositories,
    databaseUrl: database.url,
    scope,
    by,
    store,
    age,
    async put(text, ageMs = month) {
      const { sha256 } = await store.putBytes(Buffer.from(text));
      await age(sha256, ageMs);
      return sha256;
    },
    stored: async () => new Set((await store.list(null, 100_000)).map((blob) => blob.sha256)),
    warned,
    async collect({ dryRun = false, store: through = store, engine } = {}) {
      const { id: collectionId } = await repositories.collections.begin({ dryRun, graceMs: usualGraceMs, by });
      // Pages of three blobs, so that a handful of blobs fills several pages.
      const parts = { repositories, objectStore: through, lifecyclePrincipal: 'lifecycle' };
      const sweepGarbage = createSweepGarbage(parts, 3);
      await createMarkReachable(parts)({ collectionId });
      while (!(await sweepGarbage({ collectionId })).done);
      const logger: Logger = { debug() {}, info() {}, warn: (_fields, message) => warned.push(message), error() {} };
      const tableEngine = engine as TableEngine;
      const renewing = {
        repositories,
        objectStore: through,
        tableEngine,
        logger,
        scratchFolder: join(folder, 'scratch'),
      };
      await createEndCollection(renewing)({ collectionId, failure: null });
      return repositories.collections.get(collectionId);
    },
    emptyStore: () => rm(folder, { recursive: true, force: true }),
    async end() {
      await repositories.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
