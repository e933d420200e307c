import { z } from 'zod';
import { Name } from './identifiers.ts';

const scp = /^[A-Za-z0-9_.-]+@([A-Za-z0-9.-]+):([^/].*)$/;

/** `git@host:owner/name.git` is the short form of `ssh://git@host/owner/name.git`. */
export function gitUrl(text: string): URL | undefined {
  const [whole, , path] = scp.exec(text) ?? [];
  const url = whole === undefined || path === undefined ? text : `ssh://${whole.slice(0, -path.length - 1)}/${path}`;
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** Host and path, by which two spellings of one repository are the same: `github.com/owner/name`. */
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

/** Where training code comes from when it is not uploaded. */
export const GitSource = z.strictObject({
  url: z
    .string()
    .max(2000)
    .refine(
      (text) => ['https:', 'ssh:'].includes(gitUrl(text)?.protocol ?? ''),
      'expected an address over https or ssh',
    )
    .refine((text) => {
      const url = gitUrl(text);
      return url === undefined || (url.password === '' && (url.protocol === 'ssh:' || url.username === ''));
    }, 'holds credentials; keep them in a connection')
    .describe('The repository, over https or ssh'),
  ref: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/, 'expected a branch, a tag or a commit')
    .refine((ref) => !ref.includes('..'), 'expected a branch, a tag or a commit')
    .describe('A branch, a tag or a whole commit; the commit that it is then is recorded'),
  path: z
    .string()
    .max(1000)
    .regex(/^[^\\\0]*$/)
    .refine(
      (path) => !path.startsWith('/') && !path.split('/').some((step) => step === '..' || step === '.git'),
      'expected a folder inside the repository',
    )
    .optional()
    .describe('The folder of the training code in it; when absent, the whole repository'),
  connection: Name.optional().describe('A connection of kind git, for what is not public'),
});
export type GitSource = z.infer<typeof GitSource>;

/** Whether a connection's `url`, a repository or the beginning of several, covers this one. Absent: any. */
export function coversRepository(allowed: string | undefined, url: string): boolean {
  if (allowed === undefined) return true;
  const [whole, wanted] = [repositoryOf(allowed), repositoryOf(url)];
  if (whole === undefined || wanted === undefined || gitUrl(allowed)?.protocol !== gitUrl(url)?.protocol) return false;
  return wanted === whole || wanted.startsWith(`${whole}/`);
}
