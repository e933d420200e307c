import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeLimits } from '../../contracts/code/code-limits.ts';
import { refuseLargeCode, usualCodeLimits } from '../../contracts/code/code-limits.ts';
import type { GitConnection } from '../../contracts/access/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { gitRefProblem, gitUrl } from '../../contracts/code/git-source.ts';
import { relativePathProblem } from '../../contracts/code/relative-path.ts';
import type { CodeSource, FetchedCode } from '../../ports/code-source.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import type { Mount, Sandbox } from '../sandbox/sandbox.ts';
import { accessTo, configured, type RemoteAccess } from './remote-access.ts';
import { gitEnvironment, type GitCall, GitFailure, runGit } from './run-git.ts';
import { parseTree, refuseLfsPointers, refuseUnusable, type TreeEntry } from './tree-entries.ts';

export interface GitSettings {
  readonly sandbox: Sandbox;
  readonly hosts: OutboundHosts;
  /** Allowed protocols. Default: https and ssh. */
  readonly protocols?: readonly string[];
  /** Path of a certificate file that replaces the system's trusted certificates. */
  readonly certificates?: string | undefined;
  /** Time limit of one git process, in milliseconds. Default: ten minutes. */
  readonly timeoutMs?: number;
  /** Memory limit of one git process, in bytes. Default: 2 GiB. */
  readonly memoryBytes?: number;
  /** Most bytes that one git process may write, which bounds what it fetches. Default: 1 GiB. */
  readonly packBytesAtMost?: number;
  /** Limits of the files at the commit, submodules included. */
  readonly codeLimits?: CodeLimits;
}

type Submodule = FetchedCode['submodules'][number];
/** Runs git and returns its output. Only the call that contacts the server is given `access`. */
type Git = (args: readonly string[], access?: RemoteAccess) => Promise<Buffer>;

/** Number of files that git may write in addition to those of the code. */
const filesBeside = 100_000;
const submodulesAtMost = 20;
const depthAtMost = 3;

export function createGitCodeSource(settings: GitSettings): CodeSource {
  return {
    async fetch({ url, ref, path, connection }, folder, signal) {
      refuseUnsafe(url, ref, path);
      const work = new GitCheckout(settings, connection, folder, signal);
      const within = path
        .split('/')
        .filter((step) => step !== '' && step !== '.')
        .join('/');
      const tree = join(folder, 'tree');
      const commit = await work.checkout(url, ref, within, tree, 0);
      return { commit, tree: join(tree, within), ...work.found };
    },
  };
}

/**
 * One fetch. The repository and each of its submodules get a bare repository, which is deleted once the files are
 * checked out.
 */
class GitCheckout {
  readonly #settings: GitSettings;
  readonly #connection: GitConnection | null;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #protocols: readonly string[];
  readonly #limits: CodeLimits;
  #repositories = 0;
  #files = 0;
  #bytes = 0;
  readonly #submodules: Submodule[] = [];

  constructor(settings: GitSettings, connection: GitConnection | null, folder: string, signal: AbortSignal) {
    this.#settings = settings;
    this.#connection = connection;
    this.#folder = folder;
    this.#signal = signal;
    this.#protocols = settings.protocols ?? ['https', 'ssh'];
    this.#limits = settings.codeLimits ?? usualCodeLimits;
  }

  get found() {
    return { files: this.#files, bytes: this.#bytes, submodules: this.#submodules };
  }

  async checkout(url: string, ref: string, within: string, tree: string, depth: number): Promise<string> {
    const home = join(this.#folder, `git-${this.#repositories++}`);
    await mkdir(home, { recursive: true });
    await mkdir(tree, { recursive: true });
    const git = this.#repository(url, home, tree);
    try {
      await git(['init', '--quiet', '--bare', '--template=']);
      await this.#fetch(url, ref, home, git);
      const commit = (await git(['rev-parse', '--verify', 'FETCH_HEAD^{commit}'])).toString().trim();
      const of = within === '' ? [] : ['--', within];
      const entries = parseTree(await git(['ls-tree', '-r', '-l', '-z', '--full-tree', commit, ...of]));
      const files = entries.filter(({ mode }) => mode !== '160000');
      if (entries.length === 0 || entries.some((entry) => entry.path === within)) throw noFolder(url, within, commit);
      refuseUnusable(entries, url, this.#limits);
      const checkout = ['--work-tree', tree, 'checkout', '--quiet', '--force', commit, '--'];
      if (files.length > 0) await git([...checkout, within === '' ? '.' : within]);
      await refuseLfsPointers(tree, files, url);
      this.#count(files, url);
      const modules = entries.filter(({ mode }) => mode === '160000');
      if (modules.length > 0) await this.#checkoutModules(url, git, commit, modules, tree, depth);
      return commit;
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }

  /** Fetches the ref. Only this git process is given a network and the credentials. */
  async #fetch(url: string, ref: string, home: string, git: Git): Promise<void> {
    const { hosts, certificates } = this.#settings;
    const environment = gitEnvironment(home, this.#protocols);
    const settings = { hosts, protocols: this.#protocols, certificates, environment };
    const access = await accessTo(url, this.#connection, `${home}-access`, settings);
    const options = ['--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-auto-maintenance'];
    try {
      await git(['fetch', ...options, '--', access.url, ref], access);
    } finally {
      await access.close();
    }
  }

  #count(files: readonly TreeEntry[], url: string): void {
    this.#files += files.length;
    this.#bytes += files.reduce((sum, { bytes }) => sum + bytes, 0);
    const found = { bytes: this.#bytes, files: this.#files };
    refuseLargeCode(`the code in ${url} with its submodules`, found, this.#limits);
  }

  async #checkoutModules(
    parent: string,
    git: Git,
    commit: string,
    modules: readonly TreeEntry[],
    tree: string,
    depth: number,
  ): Promise<void> {
    const urls = moduleUrls(await git(['config', '--blob', `${commit}:.gitmodules`, '--list', '-z']));
    for (const { path, object } of modules) {
      const written = urls.get(path);
      if (written === undefined)
        throw new PerennialError(
          'code-unusable',
          `${path} in ${parent} is a submodule, but .gitmodules has no entry for it`,
          {
            path,
          },
        );
      if (depth >= depthAtMost || this.#submodules.length >= submodulesAtMost)
        throw new PerennialError(
          'too-large',
          `${parent} has more than ${submodulesAtMost} submodules, or submodules nested more than ${depthAtMost} deep; copy the files that the training needs into the repository`,
          { path },
        );
      const url = relativeTo(parent, written);
      this.#submodules.push({ path, url, commit: object });
      await this.checkout(url, object, '', join(tree, path), depth + 1);
    }
  }

  /** Returns a function that runs git on the bare repository in `home`. git can write only to `home` and `tree`. */
  #repository(url: string, home: string, tree: string): Git {
    const { sandbox, timeoutMs = 600_000, memoryBytes = 2 ** 31, packBytesAtMost = 2 ** 30 } = this.#settings;
    const environment = configured(gitEnvironment(home, this.#protocols));
    const writable: readonly Mount[] = [home, tree].map((source) => ({ source, writable: true }));
    return async (args, access) => {
      const call: GitCall = {
        url,
        args: ['--git-dir', join(home, 'repository'), ...args],
        environment: access?.environment ?? environment,
        cwd: args.includes('--work-tree') ? tree : home,
        mounts: [...writable, ...(access?.mounts ?? [])],
        network: access?.network ?? { kind: 'none' },
        timeoutMs,
        memoryBytes,
        diskBytes: packBytesAtMost,
        filesAtMost: filesBeside + this.#limits.files,
        signal: this.#signal,
      };
      try {
        return await runGit(sandbox, call);
      } catch (caught) {
        if (!(caught instanceof GitFailure)) throw caught;
        throw couldNotFetch(url, caught.said, access);
      }
    };
  }
}

/** Checks the ref and the path again, because a configuration may have been applied before the API had these checks. */
function refuseUnsafe(url: string, ref: string, path: string): void {
  const refProblem = gitRefProblem(ref);
  const pathProblem = path === '' ? undefined : relativePathProblem(path);
  if (refProblem === undefined && pathProblem === undefined) return;
  const what = refProblem === undefined ? `the path ${JSON.stringify(path)}` : `the ref ${JSON.stringify(ref)}`;
  throw new PerennialError('source-refused', `${what} of ${url} cannot be fetched: ${refProblem ?? pathProblem}`, {
    url,
  });
}

function couldNotFetch(url: string, said: string, access: RemoteAccess | undefined): PerennialError {
  // A server's message may repeat the credentials that it was sent.
  const kept = (access?.secrets ?? []).reduce((text, secret) => text.replaceAll(secret, '…'), said);
  const failure = access?.failure() ?? null;
  return new PerennialError(
    'source-unavailable',
    `${url} could not be fetched: ${kept}${failure === null ? '' : ` (${failure})`}; check the address, the ref and the connection`,
    { url },
  );
}

function noFolder(url: string, within: string, commit: string): PerennialError {
  return new PerennialError(
    'code-unusable',
    `${url} has no folder ${within === '' ? '.' : within} with files at commit ${commit.slice(0, 12)}; correct code.git.path`,
    { path: within, commit },
  );
}

function moduleUrls(listing: Buffer): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  const urls = new Map<string, string>();
  for (const entry of listing.toString('utf8').split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(entry) ?? [];
    if (name === undefined || value === undefined) continue;
    if (key === 'path') paths.set(name, value);
    else urls.set(name, value);
  }
  return new Map([...paths].flatMap(([name, path]) => (urls.has(name) ? [[path, urls.get(name) ?? '']] : [])));
}

/** Resolves the URL of a submodule. `../other.git` is the repository beside its parent. */
function relativeTo(parent: string, written: string): string {
  if (!/^\.\.?\//.test(written)) return written;
  const base = gitUrl(parent);
  if (base === undefined) return written;
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/`;
  return new URL(written, base).href;
}
