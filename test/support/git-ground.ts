import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach } from 'vitest';
import { createGitCodeSource, type GitSettings } from '../../adapters/code-source/git.ts';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { FetchedCode } from '../../ports/code-source.ts';
import { sandboxOfTests } from './sandbox-of-tests.ts';

const run = promisify(execFile);

export interface GitGround {
  readonly sandbox: Sandbox;
  /** Returns the folder of the current test, which is removed after the test. */
  folder(): string;
  git(at: string, ...args: string[]): Promise<string>;
  /** Creates a repository with one commit of these files. */
  repository(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  commit(at: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  /** Fetches code from a repository on this machine. */
  fetchFrom(
    at: string,
    options?: { readonly ref?: string; readonly path?: string } & Partial<GitSettings>,
  ): Promise<FetchedCode & { readonly into: string }>;
}

export function gitGround(): GitGround {
  const sandbox = sandboxOfTests('required');
  let folder = '';
  let fetches = 0;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-git-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const git: GitGround['git'] = async (at, ...args) => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'protocol.file.allow=always'];
    const { stdout } = await run('git', ['-C', at, ...identity, ...args]);
    return stdout.trim();
  };
  const commit: GitGround['commit'] = async (at, files) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(at, path)), { recursive: true });
      await writeFile(join(at, path), content);
    }
    await git(at, 'add', '--all');
    await git(at, 'commit', '--quiet', '--message', 'files');
    return git(at, 'rev-parse', 'HEAD');
  };
  return {
    sandbox,
    folder: () => folder,
    git,
    commit,
    async repository(name, files) {
      const at = join(folder, name);
      await mkdir(at);
      await git(at, 'init', '--quiet', '--initial-branch=main');
      await commit(at, files);
      return at;
    },
    async fetchFrom(at, { ref = 'main', path = '', ...settings } = {}) {
      const into = join(folder, `fetched-${fetches++}`);
      await mkdir(into);
      const hosts = createOutboundHosts({ allowPrivate: false });
      const source = createGitCodeSource({ sandbox, hosts, protocols: ['file'], ...settings });
      const url = at.includes('://') ? at : `file://${at}`;
      const found = await source.fetch({ url, ref, path, connection: null }, into, new AbortController().signal);
      return { ...found, into };
    },
  };
}

export async function refusal(promise: Promise<unknown>): Promise<PerennialError> {
  const caught: unknown = await promise.then(
    () => new Error('it was fetched'),
    (error: unknown) => error,
  );
  if (caught instanceof PerennialError) return caught;
  throw caught;
}
