import { z } from 'zod';
import type { FileHash } from './package-files.ts';
import type { NpmSources } from './package-sources.ts';

/** The part of npm's package document that is rewritten here. All other fields are passed on unchanged. */
const Packument = z.looseObject({
  versions: z.record(
    z.string(),
    z.looseObject({ dist: z.looseObject({ tarball: z.string(), integrity: z.string().optional() }) }),
  ),
});

const hashBytes = { sha256: 32, sha384: 48, sha512: 64 } as const;
const strongestFirst = ['sha512', 'sha384', 'sha256'] as const;

export const npmPackageName = /^(?:(@[a-z0-9~-][a-z0-9._~-]*)\/)?[a-zA-Z0-9~_-][a-zA-Z0-9._~-]*$/;

/** Returns the address of a package's page and of its registry. The scope of the package selects the registry. */
export function registryAddress(name: string, { registry, scopedRegistries }: NpmSources): { url: URL; index: URL } {
  const scope = npmPackageName.exec(name)?.[1];
  const chosen = (scope === undefined ? undefined : scopedRegistries.get(scope)) ?? registry;
  const index = new URL(chosen.endsWith('/') ? chosen : `${chosen}/`);
  return { url: new URL(name.replace('/', '%2f'), index), index };
}

/** Returns the authorization header of the longest address prefix that matches, as npm does. */
export function npmAuthorization(url: URL, { authorizations }: NpmSources): string | undefined {
  const address = `//${url.host}${url.pathname}`;
  const starts = [...authorizations.keys()].filter((start) => address.startsWith(start));
  const longest = starts.toSorted((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : authorizations.get(longest);
}

/** Returns a package's page in which the proxy's addresses replace those of the files. */
export function rewritePackument(
  text: string,
  page: URL,
  addressOf: (tarball: URL, hash: FileHash | null) => string,
): string {
  const packument = Packument.parse(JSON.parse(text));
  for (const { dist } of Object.values(packument.versions)) {
    if (!URL.canParse(dist.tarball, page)) continue;
    dist.tarball = addressOf(new URL(dist.tarball, page), hashOfIntegrity(dist.integrity));
  }
  return JSON.stringify(packument);
}

function hashOfIntegrity(integrity: string | undefined): FileHash | null {
  for (const algorithm of strongestFirst) {
    const base64 = new RegExp(`(?:^|\\s)${algorithm}-([A-Za-z0-9+/=]+)`).exec(integrity ?? '')?.[1];
    if (base64 === undefined) continue;
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length === hashBytes[algorithm]) return { algorithm, hex: bytes.toString('hex') };
  }
  return null;
}
