import type { FastifyReply, FastifyRequest } from 'fastify';
import { sha256OfBytes } from '../contracts/digest.ts';
import { PerennialError } from '../contracts/errors.ts';
import type { Principal } from '../contracts/principal.ts';
import type { PrincipalRepository } from '../ports/repositories/principals.ts';

const cacheMs = 1_000;
const cacheLimit = 1_000;

/** Whose request it is; `unauthenticated` where authentication has not run. */
export type SignedIn = (request: object) => Principal;

export interface Authentication {
  readonly signedIn: SignedIn;
  /** Throws `unauthenticated`, with the header that tells a client how to sign in. */
  authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const openPaths = new Set(['/healthz', '/readyz']);
/** Who calls these proves itself by a signature, which the route checks. */
const webhookPath = /^\/v1\/webhooks\/git\/[^/]+$/;

/**
 * Every path but the two of health wants a key, unknown ones too, so that nobody learns what there is. The pages that
 * a browser opens take it as the password of HTTP Basic as well.
 */
export function createAuthentication(principals: PrincipalRepository): Authentication {
  const known = new WeakMap<object, Principal>();
  const principalOfKey = cachedPrincipals(principals);

  return {
    signedIn(request) {
      const principal = known.get(request);
      if (!principal) throw unauthenticated();
      return principal;
    },
    async authenticate(request, reply) {
      const path = pathOf(request.url);
      if (openPaths.has(path) || (request.method === 'POST' && webhookPath.test(path))) return;
      const forBrowsers = isForBrowsers(path);
      const key = presentedKey(request.headers.authorization, forBrowsers);
      const principal = key === undefined ? undefined : await principalOfKey(sha256OfBytes(key));
      if (!principal) {
        void reply.header(
          'www-authenticate',
          forBrowsers ? 'Basic realm="perennial: any name, and your API key as password"' : 'Bearer realm="perennial"',
        );
        throw unauthenticated();
      }
      known.set(request, principal);
    },
  };
}

function unauthenticated(): PerennialError {
  return new PerennialError(
    'unauthenticated',
    'this needs an API key that is in force: send the header "Authorization: Bearer <key>"',
  );
}

/** Pages that only read: where something is changed, a browser must not send a key by itself. */
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

/** A good key is believed for a second: a revoked one stops within it, and bursts of requests spare the database. */
function cachedPrincipals(principals: PrincipalRepository): (hash: string) => Promise<Principal | undefined> {
  const cache = new Map<string, { readonly principal: Principal; readonly until: number }>();
  return async (hash) => {
    const now = performance.now();
    const hit = cache.get(hash);
    if (hit && hit.until > now) return hit.principal;
    const principal = await principals.authenticate(hash);
    cache.delete(hash);
    if (!principal) return undefined;
    if (cache.size >= cacheLimit) cache.clear();
    cache.set(hash, { principal, until: now + cacheMs });
    return principal;
  };
}
