import { PassThrough } from 'node:stream';
import { runCli } from '../../cli/program.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process without a terminal, which is fast enough to try every command. */
export async function cli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onOutput: (stdout: string) => void = () => {},
): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr') => {
    const writer = new PassThrough();
    writer.on('data', (bytes: Buffer) => {
      said[stream] += bytes.toString();
      onOutput(said.stdout);
    });
    return writer as unknown as NodeJS.WriteStream;
  };
  const stdin = new PassThrough();
  stdin.end();
  const streams = { stdin: stdin as unknown as NodeJS.ReadStream, stdout: into('stdout'), stderr: into('stderr') };
  const code = await runCli(args, { PERENNIAL_HOME: '/nowhere', ...env }, streams);
  return { code, ...said };
}
