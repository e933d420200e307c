import { z } from 'zod';
import { PerennialError } from '../errors.ts';

// Parses a package-lock.json instead of passing it to npm, because npm would follow its addresses, links and git
// repositories. The lock that npm receives is written from the parsed values, without addresses: npm fetches packages
// from the configured registry and checks their integrity hashes.

const Texts = z.record(z.string(), z.string());

const LockedPackage = z.object({
  version: z.string().max(256).optional(),
  name: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  peer: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies: Texts.optional(),
  devDependencies: Texts.optional(),
  optionalDependencies: Texts.optional(),
  peerDependencies: Texts.optional(),
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).optional(),
  bundleDependencies: z.union([z.array(z.string()), z.boolean()]).optional(),
  bin: z.union([z.string(), Texts]).optional(),
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
  libc: z.array(z.string()).optional(),
});
export type LockedPackage = z.infer<typeof LockedPackage>;

const Lock = z.object({
  lockfileVersion: z.number().int().min(2),
  packages: z.record(z.string(), LockedPackage),
});

const Overrides: z.ZodType<Overrides> = z.lazy(() => z.record(z.string(), z.union([z.string(), Overrides])));
interface Overrides {
  [name: string]: string | Overrides;
}

/** The keys of package.json that decide what is installed. Scripts, workspaces and settings are not read. */
const PackageJson = z.object({
  dependencies: Texts.optional(),
  devDependencies: Texts.optional(),
  optionalDependencies: Texts.optional(),
  peerDependencies: Texts.optional(),
  overrides: Overrides.optional(),
});
type PackageJson = z.infer<typeof PackageJson>;

const lockName = 'package-lock.json';
const charactersAtMost = 50 * 2 ** 20;
const packageName = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-zA-Z0-9~_-][a-zA-Z0-9._~-]*$/;
const integrityPattern =
  /^(sha512-[A-Za-z0-9+/]{86}==|sha384-[A-Za-z0-9+/]{64}|sha256-[A-Za-z0-9+/]{43}=|sha1-[A-Za-z0-9+/]{27}=)(\s+sha\d+-[A-Za-z0-9+/=]+)*$/;
const strongIntegrity = /sha(512|384|256)-/;

export function isNodeLock(path: string): boolean {
  return path === lockName || path.endsWith(`/${lockName}`);
}

export interface PackageLock {
  /**
   * Path of each package relative to the folder, such as `node_modules/a/node_modules/b`, and the package installed
   * there.
   */
  readonly packages: readonly (readonly [string, LockedPackage])[];
  /** Addresses in the lock. Each must belong to a registry that the administrator has configured. */
  readonly addresses: readonly { readonly package: string; readonly address: string }[];
  /** The lock and manifest that npm receives instead of package-lock.json and package.json. */
  readonly lockText: string;
  readonly manifestText: string;
}

/**
 * Reads a package-lock.json and the package.json next to it. Throws `environment-failed`, which names the refused
 * package and the reason.
 */
export function parsePackageLock(lockText: string, manifestText: string): PackageLock {
  const lock = Lock.safeParse(parsedJson(lockText));
  if (!lock.success)
    throw refusal(`${lockName} is not a lock file of lockfileVersion 2 or newer; create it with npm 7 or newer`);
  const manifest = PackageJson.safeParse(parsedJson(manifestText));
  if (!manifest.success) throw refusal('package.json is not in the form that npm reads; check its dependencies');
  refuseForeignSpecs('package.json', manifest.data);
  const { '': root = {}, ...rest } = lock.data.packages;
  refuseForeignSpecs(lockName, root);
  const packages = Object.entries(rest).filter(([, found]) => found.dev !== true);
  for (const [path, found] of packages) refuseUnfit(path, found);
  const name = 'training-code';
  const written = Object.fromEntries(Object.entries(rest).map(([path, found]) => [path, withoutAddress(found)]));
  return {
    packages,
    addresses: packages.flatMap(([path, { resolved }]) =>
      resolved === undefined ? [] : [{ package: nameOf(path), address: resolved }],
    ),
    lockText: JSON.stringify({
      name,
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name, ...rootOf(root) }, ...written },
    }),
    manifestText: JSON.stringify({ name, ...manifest.data }),
  };
}

function rootOf({ dependencies, devDependencies, optionalDependencies, peerDependencies }: LockedPackage) {
  return { dependencies, devDependencies, optionalDependencies, peerDependencies };
}

function withoutAddress(found: LockedPackage): LockedPackage {
  return { ...found, resolved: undefined, link: undefined };
}

/**
 * Refuses packages without a hash, because their content cannot be checked, and packages with install scripts, because
 * they would be incomplete: no install script is run.
 */
function refuseUnfit(path: string, found: LockedPackage): void {
  const name = nameOf(path);
  if (found.link === true || !isPackagePath(path))
    throw refusal(
      `${quoted(path)} in ${lockName} is a link to a folder, or lies outside node_modules; install it from a package registry`,
    );
  if (found.name !== undefined && !packageName.test(found.name))
    throw refusal(
      `${quoted(name)} in ${lockName} is an alias for ${quoted(found.name)}, which is not the name of a package`,
    );
  if (found.resolved !== undefined && !/^https?:\/\//i.test(found.resolved))
    throw refusal(
      `${quoted(name)} in ${lockName} comes from ${quoted(found.resolved)}, which is not a package registry; publish it to a registry and install it from there`,
    );
  if (found.hasInstallScript === true)
    throw refusal(
      `${quoted(name)} needs an install script, but install scripts are not run; use a package without one`,
    );
  if (found.inBundle === true) return;
  if (
    found.integrity === undefined ||
    !integrityPattern.test(found.integrity) ||
    !strongIntegrity.test(found.integrity)
  )
    throw refusal(
      `${quoted(name)} in ${lockName} has no integrity hash of sha256 or stronger; install it from a package registry`,
    );
}

function isPackagePath(path: string): boolean {
  const names = path.split(/(?:^|\/)node_modules\//);
  return names.length > 1 && names[0] === '' && names.slice(1).every((name) => packageName.test(name));
}

const dependencyKeys = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

function refuseForeignSpecs(file: string, manifest: PackageJson | LockedPackage): void {
  for (const key of dependencyKeys)
    for (const [name, wanted] of Object.entries(manifest[key] ?? {})) refuseForeignSpec(file, name, wanted);
  if ('overrides' in manifest && manifest.overrides !== undefined) refuseForeignOverrides(file, manifest.overrides);
}

function refuseForeignOverrides(file: string, overrides: Overrides): void {
  for (const [name, wanted] of Object.entries(overrides)) {
    if (typeof wanted === 'string') refuseForeignSpec(file, name, wanted);
    else refuseForeignOverrides(file, wanted);
  }
}

/**
 * Accepts a version range, a tag, or `npm:other@range`. Anything else with a colon or a slash would be fetched from
 * elsewhere.
 */
function refuseForeignSpec(file: string, name: string, wanted: string): void {
  const alias = /^npm:(@[^/@]+\/)?[^/@]+(@(.*))?$/.exec(wanted);
  const range = alias === null ? wanted : (alias[3] ?? '');
  if (/^[^:/\\]*$/.test(range) && !/\p{Cc}/u.test(range)) return;
  throw refusal(
    `${quoted(name)} in ${file} is ${quoted(wanted)}, which is not a version in a package registry; publish it to a registry and name its version`,
  );
}

function nameOf(path: string): string {
  return path.replace(/^.*node_modules\//, '');
}

function quoted(text: string): string {
  const harmless = text.replaceAll(/\p{Cc}/gu, '\uFFFD').replaceAll(/\/\/[^/@\s]*@/g, '//…@');
  return harmless.length > 200 ? `${harmless.slice(0, 200)}…` : harmless;
}

function parsedJson(text: string): unknown {
  if (text.length > charactersAtMost)
    throw refusal(`${lockName} or package.json has more than ${charactersAtMost} characters; use fewer packages`);
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refusal(why: string): PerennialError {
  return new PerennialError(
    'environment-failed',
    `the training environment cannot be created from its lock file: ${why}`,
    {},
  );
}
