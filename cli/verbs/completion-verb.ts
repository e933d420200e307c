import { Argument } from 'commander';
import type { Shell } from '../completion-script.ts';
import { completionScript, shells } from '../completion-script.ts';
import type { VerbRegistry } from '../verb.ts';

export function completionVerb({ program, act }: VerbRegistry): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('[shell]', 'bash, zsh or fish').choices(shells).default('bash'))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(perennial completion bash)\n  perennial completion fish > ~/.config/fish/completions/perennial.fish',
    )
    .action(
      act(async (context, shell: Shell) => {
        const script = completionScript(program, shell);
        context.output.data({ shell, script }, () => script);
      }),
    );
}
