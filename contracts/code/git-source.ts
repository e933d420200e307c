import { z } from 'zod';
import { Name } from '../identifiers.ts';
import { relativePathProblem } from './relative-path.ts';

const scp = /^[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):([^/].*)$/;

/**
 * Parses the address of a repository. `git@host:owner/name.git` is the short form of `ssh://git@host/owner/name.git`.
 */
export function gitUrl(text: string): URL | undefined {
  const [whole, , path] = scp.exec(text) ?? [];
  const url = whole === undefined || path === undefined ? text : `ssh://${whole.slice(0, -path.length - 1)}/${path}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** Returns host and path, which are equal for different spellings of the same repository: `github.com/owner/name`. */
export function repositoryOf(text: string): string | undefined {
  const url = gitUrl(text);
  return (
    url &&
    `${url.hostname}${url.pathname}`
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .toLowerCase()
  );
}

/**
 * Returns why an address must not be passed to git and what to write instead, or `undefined` if it may be passed. Host
 * and user of an ssh address become arguments of ssh, possibly through a shell; one that begins with a dash would be an
 * option. URL parsers check none of this.
 */
export function gitUrlProblem(text: string): string | undefined {
  if (/[\s\p{Cc}\\]/u.test(text) || !text.isWellFormed())
    return 'contains a space, a backslash or a control character; write it as https://host/owner/name.git';
  const url = gitUrl(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'ssh:'))
    return 'expected an https or ssh address';
  if (url.password !== '' || (url.protocol === 'https:' && url.username !== ''))
    return 'contains credentials; store them in a connection';
  if (!/^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])$/.test(url.hostname))
    return 'has a host with characters other than letters, digits, dots, dashes and underscores; write the host as in DNS';
  if (!/^([A-Za-z0-9_][A-Za-z0-9._-]*)?$/.test(url.username))
    return 'has a user with characters other than letters, digits, dots, dashes and underscores; the usual user is git';
  if (url.search !== '' || url.hash !== '') return 'contains a ? or a #; name a branch, tag or commit in ref';
  if (url.pathname.replace(/\/+$/, '') === '') return 'names no repository; write it as https://host/owner/name.git';
  return undefined;
}

/** Returns why a ref is not accepted and what to write instead, or `undefined` if it is accepted. */
export function gitRefProblem(ref: string): string | undefined {
  const expected = 'expected a branch, a tag or a commit';
  if (!/^[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$/.test(ref))
    return `${expected}, of at most 200 letters, digits and . _ - + /, that begins with a letter or digit`;
  // Git's own rules for the names of refs (git help check-ref-format).
  if (/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(ref)) return `${expected}; git does not allow a ref of this name`;
  return undefined;
}

/**
 * Returns whether git or a file system could treat a name as git's own folder: `.git`, `.GIT`, `git~1`, `.git.`,
 * `.git::$INDEX…`.
 */
export function isGitFolder(name: string): boolean {
  // macOS ignores invisible characters; Windows ignores trailing dots and spaces, and everything after a colon.
  const seen = name.replace(/[\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '').toLowerCase();
  return /^(\.git|git~\d+)[ .]*(:.*)?$/.test(seen);
}

/**
 * Returns why a path is not accepted as a folder in a repository and what to write instead, or `undefined` if it is
 * accepted. The empty path is the whole repository.
 */
function gitPathProblem(path: string): string | undefined {
  if (path.split('/').some(isGitFolder)) return "leads through git's own folder; name a folder of the code";
  return path === '' ? undefined : relativePathProblem(path);
}

const refined = (problemOf: (text: string) => string | undefined) =>
  z
    .string()
    .max(2000)
    .superRefine((text, context) => {
      const message = problemOf(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message, input: text });
    });

/** The origin of training code that is not uploaded. */
export const GitSource = z.strictObject({
  url: refined(gitUrlProblem).describe('The https or ssh address of the repository'),
  ref: refined(gitRefProblem).describe(
    'A branch, a tag or a full commit id; the commit that it resolves to is recorded',
  ),
  path: refined(gitPathProblem)
    .optional()
    .describe('The folder of the training code in the repository; when absent, the whole repository'),
  connection: Name.optional().describe('A connection of kind git, for a repository that is not public'),
});
export type GitSource = z.infer<typeof GitSource>;

/**
 * Returns whether a connection may be used for a repository. The connection's `url` names one repository, or is the
 * beginning of several; without it, the connection may be used for any repository.
 */
export function coversRepository(allowed: string | undefined, url: string): boolean {
  if (allowed === undefined) return true;
  const [whole, wanted] = [repositoryOf(allowed), repositoryOf(url)];
  if (whole === undefined || wanted === undefined || gitUrl(allowed)?.protocol !== gitUrl(url)?.protocol) return false;
  return wanted === whole || wanted.startsWith(`${whole}/`);
}
