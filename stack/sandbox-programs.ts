import { findProgram, programs } from '../setup/find-program.mjs';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the settings that name the programs of the sandbox. They are needed because setup's own copies are not on the
 * PATH.
 */
export function sandboxPrograms(env: Environment): Record<string, string | undefined> {
  return {
    PERENNIAL_BUBBLEWRAP: env['PERENNIAL_BUBBLEWRAP'] || findProgram(programs.bubblewrap, env),
    PERENNIAL_SLIRP4NETNS: env['PERENNIAL_SLIRP4NETNS'] || findProgram(programs.slirp4netns, env),
  };
}
