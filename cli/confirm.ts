import { createInterface } from 'node:readline/promises';
import { PerennialError } from '../contracts/errors.ts';
import type { CliContext } from './cli-context.ts';
import { isTerminal } from './output.ts';

/**
 * Shows what is about to change and asks for confirmation, unless `--yes` was given. Without a terminal nobody can be
 * asked, so it throws.
 */
export async function confirmChange(
  context: CliContext,
  change: string,
  about = 'this changes what serves',
): Promise<void> {
  context.output.note(change);
  if (context.options.yes) return;
  if (!isTerminal(context.stdin) || !isTerminal(context.stderr))
    throw new PerennialError(
      'invalid-request',
      `${about}, and there is no terminal to ask for confirmation; use --yes to confirm`,
      {},
    );
  if (!/^y(es)?$/i.test((await ask(context, 'Continue? [y/N] ')).trim()))
    throw new PerennialError('cancelled', 'nothing was changed', {});
}

/**
 * Returns the answer, or an empty string if the terminal is closed or interrupted; otherwise the promise would never
 * settle.
 */
async function ask(context: CliContext, question: string): Promise<string> {
  const terminal = createInterface({ input: context.stdin, output: context.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('SIGINT', () => resolve(''));
      terminal.once('close', () => resolve(''));
      terminal.question(question).then(resolve, reject);
    });
  } finally {
    terminal.close();
    context.output.done();
  }
}
