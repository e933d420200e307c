import { join } from 'node:path';
import type { SandboxSettings } from '../../contracts/settings/settings.ts';
import { createSandbox } from './create-sandbox.ts';
import { systemPath } from './installation.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Creates the sandbox that the settings describe. Programs are looked up on `path`. `scratchFolder` belongs to this
 * process.
 */
export function createConfiguredSandbox(
  settings: SandboxSettings,
  home: string,
  path: string | undefined,
  scratchFolder: string,
  { ahead = false }: { readonly ahead?: boolean } = {},
): Sandbox {
  return createSandbox({
    mode: settings.PERENNIAL_SANDBOX,
    path: path ?? systemPath,
    bubblewrap: settings.PERENNIAL_BUBBLEWRAP,
    slirp4netns: settings.PERENNIAL_SLIRP4NETNS,
    allow: settings.PERENNIAL_SANDBOX_ALLOW,
    folder: join(home, 'scratch', 'sandbox'),
    scratchFolder,
    ahead,
  });
}
