import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Principal } from '../../contracts/access/principal.ts';
import type { KnownKey, PrincipalRepository } from '../../ports/repositories/principal-repository.ts';
import { accessOf } from './access-table.ts';

const cacheMs = 1_000;
const cacheLimit = 1_000;

/** Returns the principal of an authenticated request. Throws `unauthenticated` if authentication has not run. */
export type SignedIn = (request: object) => Principal;

/**
 * Checks the request's key again and returns its principal, or `undefined` if the key has been revoked or has expired
 * since. For long-running responses.
 */
export type SignedInStill = (request: object) => Promise<Principal | undefined>;

export interface Authentication {
  readonly signedIn: SignedIn;
  readonly signedInStill: SignedInStill;
  /** Authenticates the request. Throws `unauthenticated`, and sets the header that tells a client how to sign in. */
  authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

interface SignedInRequest {
  readonly principal: Principal;
  readonly keyHash: string;
}

/**
 * Creates the authentication. Every path needs a key except those that the access table opens to anybody. Unknown paths
 * need one too, so that nobody without a key learns which routes exist. Pages for browsers also accept the key as the
 * password of HTTP Basic.
 */
export function createAuthentication(principals: PrincipalRepository, clock: Clock): Authentication {
  const known = new WeakMap<object, SignedInRequest>();
  const principalOfKey = cachedPrincipals(principals, clock);

  return {
    signedIn(request) {
      const found = known.get(request);
      if (!found) throw unauthenticated();
      return found.principal;
    },
    async signedInStill(request) {
      const found = known.get(request);
      return found && principalOfKey(found.keyHash);
    },
    async authenticate(request, reply) {
      if (accessOf(request)?.to === 'anybody') return;
      const forBrowsers = isForBrowsers(pathOf(request.url));
      const key = presentedKey(request.headers.authorization, forBrowsers);
      const keyHash = key === undefined ? '' : sha256OfBytes(key);
      const principal = keyHash === '' ? undefined : await principalOfKey(keyHash);
      if (!principal) {
        void reply.header(
          'www-authenticate',
          forBrowsers ? 'Basic realm="perennial: any name, and your API key as password"' : 'Bearer realm="perennial"',
        );
        throw unauthenticated();
      }
      known.set(request, { principal, keyHash });
    },
  };
}

function unauthenticated(): PerennialError {
  return new PerennialError(
    'unauthenticated',
    'this request needs a valid API key: send the header "Authorization: Bearer <key>"',
  );
}

/**
 * Returns whether a path is a read-only page for browsers. Only these accept HTTP Basic: browsers resend its
 * credentials automatically, which must not happen for requests that change something.
 */
function isForBrowsers(path: string): boolean {
  return path === '/openapi.json' || path === '/docs' || path.startsWith('/docs/') || path.endsWith('.html');
}

function pathOf(url: string): string {
  const end = url.search(/[?#;]/);
  return end === -1 ? url : url.slice(0, end);
}

function presentedKey(authorization: string | undefined, basicToo: boolean): string | undefined {
  const [scheme, credentials] = (authorization ?? '').split(' ', 2);
  if (!credentials) return undefined;
  if (scheme?.toLowerCase() === 'bearer') return credentials;
  if (!basicToo || scheme?.toLowerCase() !== 'basic') return undefined;
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon === -1 ? undefined : decoded.slice(colon + 1);
}

/**
 * Caches valid keys for one second, to spare the database in bursts of requests. A revoked key may therefore work for
 * up to a second longer; an expired key stops working at its expiry time.
 */
function cachedPrincipals(
  principals: PrincipalRepository,
  clock: Clock,
): (hash: string) => Promise<Principal | undefined> {
  const cache = new Map<string, KnownKey & { readonly until: number }>();
  const inForce = ({ expiresAt }: KnownKey) => expiresAt === null || clock.now() < expiresAt;
  return async (hash) => {
    const now = performance.now();
    const hit = cache.get(hash);
    if (hit && hit.until > now && inForce(hit)) return hit.principal;
    const found = await principals.authenticate(hash);
    cache.delete(hash);
    if (!found) return undefined;
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(hash, { ...found, until: now + cacheMs });
    return found.principal;
  };
}
