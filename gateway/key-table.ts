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

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  replace(records: readonly KeyRecord[]): void {
    this.#records = records;
    this.#byHash = new Map(records.map((record) => [record.hash, record]));
  }

  get records(): readonly KeyRecord[] {
    return this.#records;
  }

  /**
   * Returns the key's principal, or `undefined` if the key is unknown or has expired. Expiry also applies while the
   * database is unreachable.
   */
  find(keyHash: string): Principal | undefined {
    const record = this.#byHash.get(keyHash);
    if (record === undefined) return undefined;
    return record.expiresAt === null || this.#clock.now() < record.expiresAt ? record.principal : undefined;
  }
}

/**
 * Returns the principal of the header `Authorization: Bearer …`; throws `unauthenticated` if there is none. For a key
 * that is not in the table, calls `lookAgain` once, because the key may have just been created.
 */
export async function authenticate(
  authorization: string | undefined,
  keys: KeyTable,
  lookAgain: () => Promise<void>,
): Promise<Principal> {
  const key = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : '';
  if (key === '')
    throw new PerennialError(
      'unauthenticated',
      'an API key is required: send the header "Authorization: Bearer <key>"',
    );
  const keyHash = hash('sha256', key, 'hex');
  const known = keys.find(keyHash);
  if (known) return known;
  await lookAgain();
  const found = keys.find(keyHash);
  if (!found)
    throw new PerennialError(
      'unauthenticated',
      'the API key is unknown, was revoked or has expired; ask an administrator for one',
    );
  return found;
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
