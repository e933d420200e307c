import { PerennialError } from '../../contracts/errors.ts';
import { endOrphans, newAttempt } from './starting/sandbox-attempts.ts';
import { type Surroundings, type LookAroundSettings, lookAround } from './look-around.ts';
import { prepareCommand } from './starting/prepare-command.ts';
import type { Sandbox, SandboxedCommand, SandboxedProcess } from './sandbox.ts';
import { Supervisors } from './supervision/supervisors.ts';
import { startCommand } from './starting/start-command.ts';

export interface SandboxOptions extends LookAroundSettings {
  /** Whether the supervisor of the next command is started before it, while commands come. Default: false. */
  readonly ahead?: boolean;
}

/** Creates the sandbox of this machine. What the machine supports is detected when the first command starts. */
export function createSandbox(settings: SandboxOptions): Sandbox {
  const supervisors = new Supervisors(settings.ahead === true);
  let found: Promise<Surroundings> | undefined;
  const surroundings = async (): Promise<Surroundings> => {
    // A failed detection, for example on a full disk, must not be cached.
    found ??= Promise.all([lookAround(settings), endOrphans()])
      .then(([here]) => here)
      .catch((caught: unknown) => {
        found = undefined;
        throw caught;
      });
    return found;
  };
  const open = async (command: SandboxedCommand, talks: boolean): Promise<SandboxedProcess> => {
    const here = await surroundings();
    refuseUnlessIsolated(here, command);
    const prepared = await prepareCommand(here, command, await newAttempt());
    return startCommand(supervisors, command, prepared, talks);
  };
  return {
    isolation: async () => (await surroundings()).isolation,
    open: (command) => open(command, true),
    async run(command, onOutput) {
      if (command.signal.aborted) return { kind: 'aborted' };
      const running = await open(command, false);
      running.stdout.on('data', (chunk: Buffer) => onOutput('stdout', chunk));
      running.stderr.on('data', (chunk: Buffer) => onOutput('stderr', chunk));
      return running.ended;
    },
  };
}

function refuseUnlessIsolated({ isolation }: Surroundings, { title, network }: SandboxedCommand): void {
  if (isolation.kind === 'refused')
    throw new PerennialError(
      'sandbox-unavailable',
      `${title} cannot run here, because PERENNIAL_SANDBOX is required and ${isolation.reason ?? 'there is no sandbox'}; install bubblewrap on this machine and permit user namespaces, or set PERENNIAL_SANDBOX=preferred`,
      {},
    );
  if (network.kind === 'public' && isolation.publicNetwork === null)
    throw new PerennialError(
      'sandbox-unavailable',
      `${title} needs a network, but slirp4netns, which provides the network of a sandbox, is not installed on this machine; install slirp4netns (on Debian and Ubuntu: the package slirp4netns), or set code.network to false`,
      {},
    );
}
