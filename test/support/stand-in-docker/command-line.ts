import { parseArgs } from 'node:util';

/** The verbs and options of `docker compose` that a documentation page may use. Anything else is refused. */
export type ComposeCommand =
  | { readonly verb: 'build' | 'ps' | 'stop' }
  | { readonly verb: 'down'; readonly volumes: boolean }
  | { readonly verb: 'run'; readonly service: string; readonly args: readonly string[] }
  | UpCommand;

export interface UpCommand {
  readonly verb: 'up';
  /** If empty, all services with an active profile. */
  readonly services: readonly string[];
  readonly wait: boolean;
  readonly dependencies: boolean;
  readonly recreate: boolean;
  readonly scale: Readonly<Record<string, number>>;
}

const flag = { type: 'boolean', default: false } as const;

export function parseCommand(words: readonly string[]): ComposeCommand {
  const [compose, verb = '', ...args] = words;
  if (compose !== 'compose') throw new Error(`docker ${compose ?? ''} is not one that the stand-in knows`);
  switch (verb) {
    case 'build':
    case 'ps':
    case 'stop':
      parseArgs({ args, options: {} });
      return { verb };
    case 'down':
      return { verb, ...parseArgs({ args, options: { volumes: flag } }).values };
    case 'run':
      return parseRun(args);
    case 'up':
      return parseUp(args);
    default:
      throw new Error(`docker compose ${verb} is not one that the stand-in knows`);
  }
}

function parseUp(args: string[]): UpCommand {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      build: flag,
      detach: flag,
      wait: flag,
      'no-deps': flag,
      'no-recreate': flag,
      scale: { type: 'string', multiple: true, default: [] },
    },
  });
  if (!values.detach) throw new Error('without --detach it would stay in the foreground, which the stand-in cannot');
  return {
    verb: 'up',
    services: positionals,
    wait: values.wait,
    dependencies: !values['no-deps'],
    recreate: !values['no-recreate'],
    scale: Object.fromEntries(values.scale.map(parseScale)),
  };
}

function parseScale(text: string): [string, number] {
  const [, service, number] = /^([a-z0-9-]+)=(\d+)$/.exec(text) ?? [];
  if (service === undefined) throw new Error(`--scale ${text}: expected SERVICE=NUMBER`);
  return [service, Number(number)];
}

/** Leaves the arguments after the service unparsed: they are the service's own. */
function parseRun(args: readonly string[]): ComposeCommand {
  const at = args.findIndex((word) => !word.startsWith('-'));
  const options = args.slice(0, at);
  const unknown = options.find((word) => !['--rm', '-T'].includes(word));
  if (at < 0 || unknown !== undefined || !options.includes('--rm'))
    throw new Error(`docker compose run ${args.join(' ')}: the stand-in knows run --rm [-T] SERVICE …`);
  return { verb: 'run', service: args[at]!, args: args.slice(at + 1) };
}
