import { describe, test } from 'vitest';

/** What a machine lacks that tests want, in words; null: it lacks nothing. */
export type Lack = string | null;

/** For what only Linux has. */
export const notLinux: Lack = process.platform === 'linux' ? null : 'only Linux can';

/** In CI, a Linux machine must have everything: a test that is skipped there protects nobody. */
export function endingOf(
  lack: Lack,
  machine: { readonly ci: string | undefined; readonly platform: string },
): 'run' | 'skip' | 'fail' {
  if (lack === null) return 'run';
  const isCi = !['', '0', 'false'].includes(machine.ci ?? '');
  return isCi && machine.platform === 'linux' ? 'fail' : 'skip';
}

/** Tests that some machines cannot run. Their title says why where they are skipped. */
export function describeWherePossible(lack: Lack, title: string, body: () => void): void {
  const ending = endingOf(lack, { ci: process.env.CI, platform: process.platform });
  if (ending === 'run') describe(title, body);
  else if (ending === 'skip') describe.skip(`${title} (skipped: ${lack})`, body);
  else test(title, () => refuse(lack));
}

/** A test that some machines cannot run. Its title says why where it is skipped. */
export function testWherePossible(lack: Lack, title: string, body: () => Promise<void>): void {
  const ending = endingOf(lack, { ci: process.env.CI, platform: process.platform });
  if (ending === 'run') test(title, body);
  else if (ending === 'skip') test.skip(`${title} (skipped: ${lack})`, body);
  else test(title, () => refuse(lack));
}

function refuse(lack: Lack): never {
  throw new Error(`${lack}. These tests must run in CI on Linux: provide what is missing, see .ci/run`);
}
