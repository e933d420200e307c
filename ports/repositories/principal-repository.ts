import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { Grant, Principal } from '../../contracts/access/principal.ts';

/** A key in force and the principal that it belongs to. */
export interface KnownKey {
  readonly principal: Principal;
  /** Wall-clock instant from which the key is invalid. Null: valid until revoked. */
  readonly expiresAt: Instant | null;
}

export interface KeyRecord extends KnownKey {
  readonly keyId: Id;
  /** SHA-256 of the key: keys are 32 random bytes, so no slow hash is needed. */
  readonly hash: string;
}

export interface PrincipalRepository {
  /** Creates the principal, or adds these grants to the existing principal of that name. */
  ensure(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id | null): Promise<Principal>;
  create(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id): Promise<Principal>;
  get(id: Id): Promise<Principal>;
  list(page: PageRequest): Promise<Page<Principal>>;
  /** Stores a key. Repeating the call with the same hash changes nothing, not even the expiry. */
  addKey(
    principalId: Id,
    keyHash: string,
    label: string,
    by: Id | null,
    expiresAt?: Instant | null,
  ): Promise<{ readonly keyId: Id; readonly recordedAt: Instant }>;
  revokeKey(principalId: Id, keyId: Id, by: Id): Promise<void>;
  /**
   * Looks up a key by its hash. Returns `undefined` if it is unknown, revoked or expired, or if its principal is
   * archived.
   */
  authenticate(keyHash: string): Promise<KnownKey | undefined>;
  /** Returns every key in force, for the gateways' in-memory table. */
  keys(): Promise<readonly KeyRecord[]>;
}
