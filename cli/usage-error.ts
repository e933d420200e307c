import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { PerennialError } from '../contracts/errors.ts';
import { editDistance, nearestKey } from '../contracts/configuration/nearest-key.ts';

/** Converts commander's error about a wrong command line into one sentence that says what to do. */
export function usageErrorOf(caught: CommanderError, program: Command, argv: readonly string[]): PerennialError {
  const { command, words } = commandMeant(program, argv);
  const name = nameOf(command);
  const [operand] = words;
  // Commander reports an excess argument if a verb with subcommands is followed by an unknown word.
  if (caught.code === 'commander.excessArguments' && command.commands.length > 0 && operand !== undefined)
    return usage(`there is no command "${name} ${operand}"${suggestion(command, operand)}`, name);
  if (caught.code === 'commander.unknownCommand' && operand !== undefined)
    return usage(`there is no command "${name} ${operand}"${suggestion(command, operand)}`, name);
  if (caught.code === 'commander.help')
    return usage(`${name} needs a subcommand: ${command.commands.map((sub) => sub.name()).join(', ')}`, name);
  const said = caught.message
    .replace(/command-argument value '(.*)' is invalid for argument '(.*)'\./s, "$2 '$1' is invalid.")
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?')
    .replaceAll('\n', ' ');
  return usage(said, name);
}

/** Returns the deepest verb that the command line names, and the words that follow it. */
function commandMeant(
  program: Command,
  argv: readonly string[],
): { readonly command: Command; readonly words: readonly string[] } {
  let command = program;
  let rest = [...argv];
  try {
    for (;;) {
      const { operands, unknown } = command.parseOptions(rest);
      const next = command.commands.find((sub) => sub.name() === operands[0]);
      if (next === undefined) return { command, words: operands };
      command = next;
      rest = [...operands.slice(1), ...unknown];
    }
  } catch (caught) {
    // An option lacks its argument; commander's message already says so.
    if (caught instanceof CommanderError) return { command, words: [] };
    throw caught;
  }
}

function suggestion(command: Command, word: string): string {
  const names = command.commands.map((sub) => sub.name());
  const near = nearestKey(word, names);
  if (near !== undefined && editDistance(word, near) <= Math.max(2, Math.floor(word.length / 3)))
    return `; did you mean ${near}?`;
  return `; the commands are ${names.join(', ')}`;
}

function usage(said: string, name: string): PerennialError {
  return new PerennialError('invalid-request', `${said} (see ${name} --help)`, {});
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
