import type { Command } from 'commander';
import { exitCodes } from '../../cli/exit-codes.ts';
import { commandLine } from '../../cli/program.ts';
import { code, generatedNote, page, markdownTable } from './markdown.ts';

export function commandLinePage(): string {
  const program = commandLine(() => async () => {});
  return page(
    '# perennial: the command line',
    generatedNote('cli/'),
    `In a checkout, run ${code('npx perennial')}. Standard output contains only data; progress, banners and hints go to standard error. Exit codes: ${exitCodeText()}.`,
    '## Options of every command',
    optionTable(program),
    ...verbs(program).map(({ name, command }) => verb(name, command)),
  );
}

function exitCodeText(): string {
  return Object.entries(exitCodes)
    .map(([meaning, number]) => `${number} ${meaning.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)}`)
    .join(', ');
}

interface Verb {
  readonly name: string;
  readonly command: Command;
}

function verbs(program: Command, prefix = ''): Verb[] {
  return program.commands.flatMap((command) => {
    const name = `${prefix}${command.name()}`;
    return [{ name, command }, ...verbs(command, `${name} `)];
  });
}

function verb(name: string, command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const word = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  const subcommands = command.commands.map((sub) => code(sub.name())).join(', ');
  const described = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((argument) => `${code(argument.name())}: ${argument.description}.`);
  return page(
    `## perennial ${[name, ...words].join(' ')}`,
    sentence(command.description()),
    described.join(' '),
    subcommands === '' ? '' : `Subcommands: ${subcommands}.`,
    optionTable(command),
  ).trimEnd();
}

function optionTable(command: Command): string {
  const rows = command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => [code(option.flags), option.description, defaultText(option.defaultValue)]);
  return rows.length === 0 ? '' : markdownTable(['option', 'does', 'default'], rows);
}

function defaultText(value: unknown): string {
  return typeof value === 'string' && value !== '' ? code(value) : '';
}

function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
