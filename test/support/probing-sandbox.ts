import type { Sandbox, SandboxedCommand } from '../../adapters/sandbox/sandbox.ts';

/** Wraps a sandbox so that a shell script runs first under the settings of each command; `said` collects its output. */
export function probingSandbox(sandbox: Sandbox, script: string): Sandbox & { readonly said: string[] } {
  const said: string[] = [];
  const probe = async (command: SandboxedCommand): Promise<void> => {
    const running = await sandbox.open({ ...command, file: '/bin/bash', args: ['-c', script] });
    running.stdin.end();
    let text = '';
    for (const stream of [running.stdout, running.stderr])
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await running.ended;
    said.push(text);
  };
  return {
    ...sandbox,
    said,
    run: async (command, onOutput) => {
      await probe(command);
      return sandbox.run(command, onOutput);
    },
    open: async (command) => {
      await probe(command);
      return sandbox.open(command);
    },
  };
}
