import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitConnection } from '../../contracts/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { gitUrl } from '../../contracts/git-source.ts';
import type { CodeSource, FetchedCode } from '../../ports/code-source.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import { folderSize } from './folderSize.ts';
import { accessTo } from './remoteAccess.ts';
import { GitFailure, runGit } from './runGit.ts';
import { parseTree, refuseLfsPointers, refuseUnusable, type TreeEntry } from './treeEntries.ts';

export interface GitSettings {
  readonly hosts: OutboundHosts;
  /** Default: https and ssh. */
  readonly protocols?: readonly string[];
  /** A file of certificates to trust in place of the system's. */
  readonly certificates?: string | undefined;
  /** Of one call of git. Default: ten minutes. */
  readonly timeoutMs?: number;
  /** What may be fetched of one repository. Default: 1 GiB. */
  readonly packBytesAtMost?: number;
}

type Submodule = FetchedCode['submodules'][number];

const submodulesAtMost = 20;
const depthAtMost = 3;

export function createGitCodeSource(settings: GitSettings): CodeSource {
  return {
    async fetch({ url, ref, path, connection }, folder, signal) {
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

/** One fetch: a bare repository for each repository that takes part, thrown away as soon as its files are there. */
class GitCheckout {
  readonly #settings: GitSettings;
  readonly #connection: GitConnection | null;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  #repositories = 0;
  #files = 0;
  #bytes = 0;
  readonly #submodules: Submodule[] = [];

  constructor(settings: GitSettings, connection: GitConnection | null, folder: string, signal: AbortSignal) {
    this.#settings = settings;
    this.#connection = connection;
    this.#folder = folder;
    this.#signal = signal;
  }

  get found() {
    return { files: this.#files, bytes: this.#bytes, submodules: this.#submodules };
  }

  async checkout(url: string, ref: string, within: string, tree: string, depth: number): Promise<string> {
    const { hosts, protocols = ['https', 'ssh'], certificates } = this.#settings;
    const home = join(this.#folder, `git-${this.#repositories++}`);
    await mkdir(home, { recursive: true });
    const access = await accessTo(url, this.#connection, home, { hosts, protocols, certificates });
    const repository = join(home, 'repository');
    const git = (...args: string[]) =>
      this.#git(url, ['--git-dir', repository, ...args], access.environment, repository);
    try {
      await git('init', '--quiet', '--bare', '--template=');
      await git('fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--', access.url, ref);
      const commit = (await git('rev-parse', '--verify', 'FETCH_HEAD^{commit}')).toString().trim();
      const entries = parseTree(
        await git('ls-tree', '-r', '-l', '-z', commit, ...(within === '' ? [] : ['--', within])),
      );
      const files = entries.filter(({ mode }) => mode !== '160000');
      if (entries.length === 0 || entries.some((entry) => entry.path === within)) throw noFolder(url, within, commit);
      refuseUnusable(files, url);
      await mkdir(tree, { recursive: true });
      if (files.length > 0)
        await git(
          '-C',
          tree,
          '--work-tree',
          tree,
          'checkout',
          '--quiet',
          '--force',
          commit,
          '--',
          within === '' ? '.' : within,
        );
      await refuseLfsPointers(tree, files, url);
      this.#count(files, url);
      const modules = entries.filter(({ mode }) => mode === '160000');
      if (modules.length > 0) await this.#checkoutModules(url, git, commit, modules, tree, depth);
      return commit;
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }

  #count(files: readonly TreeEntry[], url: string): void {
    this.#files += files.length;
    this.#bytes += files.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.#bytes > 256 * 2 ** 20)
      throw new PerennialError('too-large', `the code in ${url} with its submodules is more than 256 MiB`, {
        bytes: this.#bytes,
      });
  }

  async #checkoutModules(
    parent: string,
    git: (...args: string[]) => Promise<Buffer>,
    commit: string,
    modules: readonly TreeEntry[],
    tree: string,
    depth: number,
  ): Promise<void> {
    const urls = moduleUrls(await git('config', '--blob', `${commit}:.gitmodules`, '--list', '-z'));
    for (const { path, object } of modules) {
      const written = urls.get(path);
      if (written === undefined)
        throw new PerennialError(
          'code-unusable',
          `${path} in ${parent} is a submodule that .gitmodules does not name`,
          {
            path,
          },
        );
      if (depth >= depthAtMost || this.#submodules.length >= submodulesAtMost)
        throw new PerennialError(
          'too-large',
          `${parent} has more than ${submodulesAtMost} submodules, or more than ${depthAtMost} within each other`,
          { path },
        );
      const url = relativeTo(parent, written);
      this.#submodules.push({ path, url, commit: object });
      await this.checkout(url, object, '', join(tree, path), depth + 1);
    }
  }

  async #git(
    url: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    repository: string,
  ): Promise<Buffer> {
    const { timeoutMs = 600_000, packBytesAtMost = 2 ** 30 } = this.#settings;
    const stopped = new AbortController();
    const signal = AbortSignal.any([this.#signal, stopped.signal]);
    const watch = setInterval(() => {
      void folderSize(join(repository, 'objects')).then((bytes) => bytes > packBytesAtMost && stopped.abort());
    }, 500);
    try {
      return await runGit(args, environment, { timeoutMs, signal });
    } catch (caught) {
      this.#signal.throwIfAborted();
      if (stopped.signal.aborted)
        throw new PerennialError('too-large', `${url} sends more than ${packBytesAtMost} bytes for one commit`, {
          url,
        });
      if (!(caught instanceof GitFailure)) throw caught;
      throw new PerennialError(
        'source-unavailable',
        `${url} could not be fetched: ${caught.said}; check the address, the ref and the connection`,
        { url },
      );
    } finally {
      clearInterval(watch);
    }
  }
}

function noFolder(url: string, within: string, commit: string): PerennialError {
  return new PerennialError(
    'code-unusable',
    `${url} has no folder ${within === '' ? '.' : within} with files at ${commit.slice(0, 12)}; correct code.git.path`,
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

/** `../other.git` is beside the repository that says it. */
function relativeTo(parent: string, written: string): string {
  if (!/^\.\.?\//.test(written)) return written;
  const base = gitUrl(parent);
  if (base === undefined) return written;
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/`;
  return new URL(written, base).href;
}
