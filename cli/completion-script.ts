import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A verb and the words that may follow it. */
interface Place {
  readonly path: string;
  readonly verbs: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly { readonly long: string; readonly about: string; readonly choices: readonly string[] }[];
}

/** Returns a completion script for the shell, generated from the program's verbs, options and choices. */
export function completionScript(program: Command, shell: Shell): string {
  const places = placesIn(program, '');
  return shell === 'fish' ? fishScript(places) : bashScript(places, shell);
}

function placesIn(command: Command, path: string): Place[] {
  const here: Place = {
    path,
    verbs: command.commands.map((sub) => ({ name: sub.name(), about: sub.description() })),
    options: [
      ...command.options.flatMap(({ long, description, argChoices }) =>
        long === null || long === undefined ? [] : [{ long, about: description, choices: argChoices ?? [] }],
      ),
      { long: '--help', about: 'display help', choices: [] },
    ],
  };
  return [here, ...command.commands.flatMap((sub) => placesIn(sub, `${path} ${sub.name()}`.trim()))];
}

/** zsh runs it through its emulation of bash's completion (`bashcompinit`). Files are offered where no word fits. */
function bashScript(places: readonly Place[], shell: Shell): string {
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return [
    ...(shell === 'zsh' ? ['autoload -U +X compinit && compinit', 'autoload -U +X bashcompinit && bashcompinit'] : []),
    '_perennial() {',
    '  local path="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "${path:+$path }$word" in',
    ...paths.map((path) => `      "${path}") path="${path}" ;;`),
    '    esac',
    '  done',
    '  case "$path|${COMP_WORDS[COMP_CWORD-1]}" in',
    ...places.flatMap(({ path, options }) =>
      options
        .filter(({ choices }) => choices.length > 0)
        .map(({ long, choices }) => `    "${path}|${long}") words="${choices.join(' ')}" ;;`),
    ),
    '    *) case "$path" in',
    ...places.map(
      ({ path, verbs, options }) =>
        `      "${path}") words="${[...verbs.map(({ name }) => name), ...options.map(({ long }) => long)].join(' ')}" ;;`,
    ),
    '    esac ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _perennial perennial',
  ].join('\n');
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, verbs, options }) => {
    const words = path === '' ? [] : path.split(' ');
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const none =
      verbs.length === 0 ? [] : [`not __fish_seen_subcommand_from ${verbs.map(({ name }) => name).join(' ')}`];
    const where = [...seen, ...none].join('; and ');
    return [
      ...verbs.map(({ name, about }) => `complete -c perennial -f -n ${quoted(where)} -a ${name} -d ${quoted(about)}`),
      ...options.map(({ long, about, choices }) => {
        const known = choices.length === 0 ? '' : ` -x -a ${quoted(choices.join(' '))}`;
        return `complete -c perennial -n ${quoted(seen.join('; and ') || 'true')} -l ${long.slice(2)}${known} -d ${quoted(about)}`;
      }),
    ];
  });
  return lines.join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
