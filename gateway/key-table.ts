import { hash } from 'node:crypto';
import { PerennialError } from '../contracts/errors.ts';
import type { Principal, Role, Target } from '../contracts/access/principal.ts';
import { isGranted } from '../contracts/access/principal.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyRecord } from '../ports/repositories/principal-repository.ts';

/**
 * In-memory table of all API keys in force, by hash, so that requests are authenticated while the database is
 * unreachable.
 */
export class KeyTable {
  readonly #clock: Clock;
  #byHash: ReadonlyMap<string, KeyRecord> = new Map();
  #records: readonly KeyRecord[] = [];
  /** Records of keys that were presented, so that most requests need no hash. Emptied when the keys change. */
  readonly #presented = new Map<string, KeyRecord>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  replace(records: readonly KeyRecord[]): void {
    this.#records = records;
    this.#presented.clear();
    this.#byHash = new Map(records.map((record) => [record.hash, record]));
  }

  get records(): readonly KeyRecord[] {
    return this.#records;
  }

  /**
   * Returns the principal of a key, or `undefined` if the key is unknown or has expired. Expiry also applies while the
   * database is unreachable.
   */
  find(key: string): Principal | undefined {
    const record = this.#presented.get(key) ?? this.#look(key);
    if (record === undefined) return undefined;
    return record.expiresAt === null || this.#clock.now() < record.expiresAt ? record.principal : undefined;
  }

  #look(key: string): KeyRecord | undefined {
    const record = this.#byHash.get(hash('sha256', key, 'hex'));
    if (record === undefined) return undefined;
    // Only keys of the table are remembered, so there are rarely this many.
    if (this.#presented.size >= mostPresented) this.#presented.clear();
    this.#presented.set(key, record);
    return record;
  }
}

const mostPresented = 10_000;

/** Returns the key in the header `Authorization: Bearer …`; throws `unauthenticated` if there is none. */
export function keyIn(authorization: string | undefined): string {
  const key = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : '';
  if (key !== '') return key;
  throw new PerennialError('unauthenticated', 'an API key is required: send the header "Authorization: Bearer <key>"');
}

/**
 * Returns the principal of a key that is not in the table, after reading the keys again, because the key may have just
 * been created. Throws `unauthenticated` if the key is still unknown.
 */
export async function authenticateNewKey(
  key: string,
  keys: KeyTable,
  lookAgain: () => Promise<void>,
): Promise<Principal> {
  await lookAgain();
  const found = keys.find(key);
  if (found) return found;
  throw new PerennialError(
    'unauthenticated',
    'the API key is unknown, was revoked or has expired; ask an administrator for one',
  );
}

export function requireRole(principal: Principal, role: Role, target: Target): void {
  if (isGranted(principal.grants, role, target)) return;
  const where =
    [target.project, target.model, target.environment].filter((part) => part !== undefined).join('/') || 'everything';
  throw new PerennialError(
    'forbidden',
    `${principal.name} lacks the role ${role} on ${where}; ask an administrator for a grant`,
    { role, ...target },
  );
}
