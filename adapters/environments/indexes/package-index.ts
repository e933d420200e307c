import { foreignSource } from '../../../contracts/code/requirements.ts';
import type { NamedSource, RequirementsFile } from '../../../contracts/code/requirements.ts';
import type { IndexPages } from './index-proxy.ts';
import { startIndexProxy } from './index-proxy.ts';
import { npmPages } from './npm-pages.ts';
import type { PackageFiles } from './package-files.ts';
import type { NpmSources, PipSources } from './package-sources.ts';
import { comparableAddress } from './package-sources.ts';
import { pipPages } from './pip-pages.ts';
import { Upstream } from './upstream.ts';

/** The package index as an installation sees it: the network and addresses of the proxy. */
export interface PackageIndex {
  readonly network: { readonly kind: 'loopback'; readonly port: number };
  /** Address for pip and uv. */
  readonly simpleUrl: string;
  readonly npmUrl: string;
}

export interface IndexUse {
  readonly sources: PipSources | NpmSources;
  readonly files: PackageFiles;
  readonly onProblem: (sentence: string) => void;
}

/** Serves the administrator's indexes to one installation while `use` runs. */
export async function withPackageIndex<Result>(
  { sources, files, onProblem }: IndexUse,
  use: (index: PackageIndex) => Promise<Result>,
): Promise<Result> {
  const upstream = new Upstream(sources.reach);
  const pages: IndexPages = 'registry' in sources ? npmPages(sources, upstream) : pipPages(sources, upstream);
  const proxy = await startIndexProxy([pages], files, onProblem);
  try {
    return await use({
      network: { kind: 'loopback', port: proxy.port },
      simpleUrl: `${proxy.address}simple/`,
      npmUrl: `${proxy.address}npm/`,
    });
  } finally {
    await proxy.close();
    upstream.close();
  }
}

/**
 * Refuses a requirements file that names a foreign package source. Such lines have no effect, so they may name only the
 * sources that are used anyway.
 */
export function refuseForeignSources({ file, sources }: RequirementsFile, own: PipSources): void {
  for (const source of sources) if (!isOwn(source, own)) throw foreignSource(file, source);
}

function isOwn({ kind, value }: NamedSource, { indexes, findLinks, reach }: PipSources): boolean {
  const isOneOf = (places: readonly string[]): boolean =>
    places.some((place) => comparableAddress(place) === comparableAddress(value));
  if (kind === 'index') return isOneOf(indexes);
  if (kind === 'find-links') return isOneOf(findLinks);
  return [...indexes, ...reach.trustedHosts.map((host) => `https://${host}`)].some(
    (place) => URL.canParse(place) && [new URL(place).host, new URL(place).hostname].includes(value),
  );
}
