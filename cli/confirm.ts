import { createInterface } from 'node:readline/promises';
import { PerennialError } from '../contracts/errors.ts';
import type { CliContext } from './context.ts';

/** Says what is about to change and asks, unless `--yes`. Without a terminal nobody can be asked, so it is refused. */
export async function confirmChange(context: CliContext, change: string): Promise<void> {
  context.output.note(change);
  if (context.options.yes) return;
  if (context.stdin.isTTY !== true)
    throw new PerennialError('invalid-request', 'this changes what serves; without a terminal it needs --yes', {});
  const terminal = createInterface({ input: context.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Go on? [y/N] ');
    if (!/^y(es)?$/i.test(answer.trim())) throw new PerennialError('cancelled', 'nothing was changed', {});
  } finally {
    terminal.close();
  }
}
