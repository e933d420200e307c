import type { Id, Instant, Page, PageRequest } from '../../contracts/identifiers.ts';
import type { Grant, Principal } from '../../contracts/principal.ts';

export interface KeyRecord {
  readonly keyId: Id;
  /** SHA-256 of the key: keys are 32 random bytes, so no slow hash is needed. */
  readonly hash: string;
  readonly principal: Principal;
}

export interface PrincipalRepository {
  /** Makes it, or returns the one of that name with these grants added. */
  ensure(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id | null): Promise<Principal>;
  create(name: string, kind: Principal['kind'], grants: readonly Grant[], by: Id): Promise<Principal>;
  get(id: Id): Promise<Principal>;
  list(page: PageRequest): Promise<Page<Principal>>;
  /** Again with the same hash is free. */
  addKey(
    principalId: Id,
    keyHash: string,
    label: string,
    by: Id | null,
  ): Promise<{ readonly keyId: Id; readonly recordedAt: Instant }>;
  revokeKey(principalId: Id, keyId: Id, by: Id): Promise<void>;
  /** By hash of the key presented; undefined if unknown, revoked or its principal archived. */
  authenticate(keyHash: string): Promise<Principal | undefined>;
  /** Every key in force, for the gateway's table in memory. */
  keys(): Promise<readonly KeyRecord[]>;
}
