import { PerennialError } from '../../contracts/errors.ts';
import type { VerbRegistry } from '../verb.ts';

/** Verbs and their subcommands as shell completion; generated from the program itself. */
export function completionVerb({ program, act }: VerbRegistry): void {
  program
    .command('completion')
    .description('print a completion script')
    .argument('[shell]', 'bash or zsh', 'bash')
    .addHelpText('after', '\nExample:\n  source <(perennial completion bash)')
    .action(
      act(async (context, shell: string) => {
        if (shell !== 'bash' && shell !== 'zsh')
          throw new PerennialError('invalid-request', `completion is there for bash and zsh, not for ${shell}`, {
            shell,
          });
        const verbs = program.commands.map((command) => command.name());
        const cases = program.commands
          .filter((command) => command.commands.length > 0)
          .map((command) => `    ${command.name()}) words="${command.commands.map((sub) => sub.name()).join(' ')}" ;;`);
        const script = [
          ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
          '_perennial() {',
          `  local words="${verbs.join(' ')}"`,
          '  if [ "$COMP_CWORD" -gt 1 ]; then',
          '    case "${COMP_WORDS[1]}" in',
          ...cases,
          '    *) words="" ;;',
          '    esac',
          '  fi',
          '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
          '}',
          'complete -o default -F _perennial perennial',
        ].join('\n');
        context.output.data({ shell, script }, () => script);
      }),
    );
}
