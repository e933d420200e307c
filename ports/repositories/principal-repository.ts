import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { Grant, Principal } from '../../contracts/access/principal.ts';

/** A key that is in force, and whose it is. */
export interface KnownKey {
  readonly principal: Principal;
  /** By the wall clock; from then on it is none. Null: it stays until it is revoked. */
  readonly expiresAt: Instant | null;
}

export interface KeyRecord extends KnownKey {
  readonly keyId: Id;
  /** SHA-256 of the key: keys are 32 random bytes, so no slow hash is needed. */
  readonly hash: string;
}

export interface PrincipalRepository {
  /** Makes it, or returns the one of that name with these grants added. */
  ensure(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id | null): Promise<Principal>;
  create(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id): Promise<Principal>;
  get(id: Id): Promise<Principal>;
  list(page: PageRequest): Promise<Page<Principal>>;
  /** Again with the same hash is free, and changes no expiry. */
  addKey(
    principalId: Id,
    keyHash: string,
    label: string,
    by: Id | null,
    expiresAt?: Instant | null,
  ): Promise<{ readonly keyId: Id; readonly recordedAt: Instant }>;
  revokeKey(principalId: Id, keyId: Id, by: Id): Promise<void>;
  /** By hash of the key presented; undefined if unknown, revoked, expired or its principal archived. */
  authenticate(keyHash: string): Promise<KnownKey | undefined>;
  /** Every key in force, for the gateway's table in memory. */
  keys(): Promise<readonly KeyRecord[]>;
}
