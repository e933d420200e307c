import { findProgram, programs } from '../setup/find-program.mjs';

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that name the programs of the sandbox: those that setup may have fetched are on nobody's PATH. */
export function sandboxPrograms(env: Environment): Record<string, string | undefined> {
  return {
    PERENNIAL_BUBBLEWRAP: env['PERENNIAL_BUBBLEWRAP'] || findProgram(programs.bubblewrap, env),
    PERENNIAL_SLIRP4NETNS: env['PERENNIAL_SLIRP4NETNS'] || findProgram(programs.slirp4netns, env),
  };
}
