import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MissingPolicy } from '../../contracts/configuration/serve-section.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { reasonOf } from '../../contracts/errors.ts';
import { Id, Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { earliestModelFormat, withModelFormat } from '../../contracts/model-format.ts';
import { ServingCountOfEpoch, ShadowCountOfEpoch } from '../../contracts/serving/prediction.ts';
import { Principal } from '../../contracts/access/principal.ts';
import { writeWhole } from '../../files/write-whole.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ServingEntry } from '../../ports/repositories/deployment-repository.ts';
import type { KeyRecord } from '../../ports/repositories/principal-repository.ts';
import type { GatewayDisk } from '../log/gateway-disk.ts';

const KeptVersion = withModelFormat({
  id: Id,
  number: z.number().int(),
  artifact: Sha256,
  releaseDigest: Sha256,
  missing: MissingPolicy.optional(),
  nulls: z.array(z.string()).optional(),
});

const KeptEntry = z.object({
  scope: Scope,
  generation: Generation,
  routingKey: z.string().nullable(),
  log: z.object({ sample: z.number(), onFull: z.enum(['drop-counted', 'refuse']) }),
  // An entry that an older version of the gateway saved has neither of these fields.
  shadowTolerance: z.number().default(0),
  staleness: z
    .object({ maxMs: z.number(), onStale: z.enum(['say', 'refuse']) })
    .default({ maxMs: 10_000, onStale: 'say' }),
  virtual: z.boolean(),
  // A model version that an older version of the gateway saved has no format.
  versions: z.array(z.looseObject({ format: z.string().default(earliestModelFormat) }).pipe(KeptVersion)),
});
// A key that an older version of the gateway saved has no expiry.
const KeptKey = z.object({
  keyId: Id,
  hash: Sha256,
  principal: Principal,
  expiresAt: Instant.nullable().default(null),
});

const Identity = z.object({ schemaVersion: z.literal(1), id: Id });
const KeptTable = z.object({ schemaVersion: z.literal(1), entries: z.array(KeptEntry) });
const KeptKeys = z.object({ schemaVersion: z.literal(1), keys: z.array(KeptKey) });
const KeptReading = z.object({ schemaVersion: z.literal(1), readAt: Instant });
const KeptCounts = z.object({
  schemaVersion: z.literal(1),
  counts: z.array(ServingCountOfEpoch),
  shadow: z.array(ShadowCountOfEpoch).default([]),
});
export type KeptCounts = z.infer<typeof KeptCounts>;

/** State on the gateway's own disk, so that it can serve after a restart without the database. */
export class GatewayState {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #disk: Pick<GatewayDisk, 'note'>;
  /** Files whose last write failed, so that each failure is logged once. */
  readonly #failing = new Set<string>();
  readonly #written = new Map<string, string>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(folder: string, logger: Logger, disk: Pick<GatewayDisk, 'note'>) {
    this.#folder = folder;
    this.#logger = logger;
    this.#disk = disk;
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /**
   * Returns the gateway's id, which is created at the first start. A restarted gateway continues its own lease, so that
   * no deployment waits for a gateway that no longer exists.
   */
  async identity(ids: IdMaker): Promise<Id> {
    const known = await this.#read('gateway.json', Identity);
    if (known) return known.id;
    const id = ids.next();
    await this.keepIdentity(id);
    return id;
  }

  /**
   * Saves the id. The gateway calls this repeatedly, so that the id is saved as soon as a full disk has space again.
   * Until then, a restart gets a new id, and deployments wait for the old gateway until its lease ends.
   */
  async keepIdentity(id: Id): Promise<void> {
    await this.#keep('gateway.json', { schemaVersion: 1, id });
  }

  async entries(): Promise<readonly ServingEntry[] | undefined> {
    return (await this.#read('serving-table.json', KeptTable))?.entries;
  }

  /** Saves what is served. A full disk is logged and does not interrupt serving. */
  async keepEntries(entries: readonly ServingEntry[]): Promise<void> {
    await this.#keep('serving-table.json', { schemaVersion: 1, entries });
  }

  /** Returns the saved keys, as hashes. They may include keys that were revoked while the database was unreachable. */
  async keys(): Promise<readonly KeyRecord[] | undefined> {
    return (await this.#read('keys.json', KeptKeys))?.keys;
  }

  async keepKeys(keys: readonly KeyRecord[]): Promise<void> {
    await this.#keep('keys.json', { schemaVersion: 1, keys });
  }

  /**
   * Returns the wall-clock time of the last database read, so that a gateway restarted without the database can report
   * how old its data may be.
   */
  async readAt(): Promise<Instant | undefined> {
    return (await this.#read('read-at.json', KeptReading))?.readAt;
  }

  async keepReadAt(readAt: Instant): Promise<void> {
    await this.#keep('read-at.json', { schemaVersion: 1, readAt }, false);
  }

  async counts(): Promise<Omit<KeptCounts, 'schemaVersion'>> {
    return (await this.#read('serving-counts.json', KeptCounts)) ?? { counts: [], shadow: [] };
  }

  /**
   * Saves the counts without flushing, because it runs often: they survive the end of the process, but possibly not a
   * power failure.
   */
  async keepCounts(counts: readonly ServingCountOfEpoch[], shadow: readonly ShadowCountOfEpoch[]): Promise<void> {
    await this.#keep('serving-counts.json', { schemaVersion: 1, counts, shadow }, false);
  }

  async #read<Schema extends z.ZodType>(name: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
    const text = await readFile(this.path(name), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(text));
    } catch (caught) {
      this.#logger.warn(
        { file: name, reason: reasonOf(caught) },
        'a state file of an earlier gateway cannot be read and will be replaced',
      );
      return undefined;
    }
  }

  async #keep(name: string, value: object, flush = true): Promise<void> {
    try {
      await this.#write(name, value, flush);
      this.#failing.delete(name);
    } catch (caught) {
      if (this.#disk.note(caught) || this.#failing.has(name)) return;
      this.#failing.add(name);
      this.#logger.warn(
        { file: name, reason: reasonOf(caught) },
        'a state file cannot be written; a gateway restarted without the database would lack this state',
      );
    }
  }

  /** Writes each file in the order of the calls, so that a restart finds the latest content. */
  #write(name: string, value: object, flush = true): Promise<void> {
    const text = JSON.stringify(value);
    const before = this.#writing.get(name) ?? Promise.resolve();
    const written = before.then(() => this.#replace(name, text, flush));
    this.#writing.set(
      name,
      written.catch(() => {}),
    );
    return written;
  }

  /** Writes the file only if its content has changed. */
  async #replace(name: string, text: string, flush: boolean): Promise<void> {
    if (this.#written.get(name) === text) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeWhole(this.path(name), text, { mode: 0o600, flush });
    this.#written.set(name, text);
  }
}
