import { Command, CommanderError, Option } from 'commander';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { homeOf } from './context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import type { VerbRegistry } from './verb.ts';
import { applyVerb } from './verbs/apply.ts';
import { buildVerbs } from './verbs/build.ts';
import { completionVerb } from './verbs/completion.ts';
import { dataVerbs } from './verbs/data.ts';
import { approvalVerbs, deployVerbs } from './verbs/deploy.ts';
import { observeVerbs } from './verbs/observe.ts';
import { ledgerVerb, runVerbs, scheduleVerbs, triggerVerb } from './verbs/operate.ts';
import { demoVerb, rehearseVerb } from './verbs/rehearse.ts';
import { stackVerbs } from './verbs/stack.ts';

export interface CliStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Parses and runs one command line; the exit code is 0 done, 1 failed, 2 usage, 4 not allowed. */
export async function runCli(argv: readonly string[], env: CliContext['env'], streams: CliStreams): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program: Command = commandLine((handler) => async (...args) => {
    // Commander hands the options and then the command itself over last; what a handler does not name it does not see.
    const last = args.at(-1);
    const context = contextOf(last instanceof Command ? last : program, env, streams);
    try {
      await handler(context, ...withoutLast(args));
    } catch (caught) {
      context.output.done();
      complain(context, caught);
      exitCode = exitCodeOf(caught);
    }
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (caught) {
    if (!(caught instanceof CommanderError)) throw caught;
    exitCode = caught.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return exitCode;
}

/** Every verb, with `act` around its handler. */
export function commandLine(act: VerbRegistry['act']): Command {
  const program = globalProgram();
  for (const register of [
    stackVerbs,
    applyVerb,
    dataVerbs,
    buildVerbs,
    deployVerbs,
    approvalVerbs,
    observeVerbs,
    triggerVerb,
    scheduleVerbs,
    runVerbs,
    ledgerVerb,
    rehearseVerb,
    demoVerb,
    completionVerb,
  ])
    register({ program, act });
  for (const command of program.commands) behaveAlike(command);
  return program;
}

function withoutLast<Arguments extends unknown[]>(args: [...Arguments, Command]): Arguments {
  const [...all] = args;
  all.pop();
  return all as unknown as Arguments;
}

/** Help, errors and the global options are the same at every level, and options may stand before or after the verb. */
function behaveAlike(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help shows what there is)');
  for (const option of globalOptions()) command.addOption(option.hideHelp());
  for (const sub of command.commands) behaveAlike(sub);
}

function globalOptions(): Option[] {
  return [
    new Option('-m, --model <name>', 'the model (default: the name in ./perennial.yaml)'),
    new Option('-e, --environment <name>', 'the environment (default: production)'),
    new Option('--project <name>', 'the project (default: default)'),
    new Option('--json', 'one JSON document on standard output'),
    new Option('-y, --yes', 'do not ask before changing what serves'),
    new Option('--url <url>', 'of the API (default: PERENNIAL_URL, else the embedded stack)'),
    new Option('--key <key>', 'API key (default: PERENNIAL_KEY, else the embedded stack’s)'),
    new Option('--no-color', 'no colours; NO_COLOR does the same'),
  ];
}

function globalProgram(): Command {
  const program = new Command('perennial')
    .description('keeps models fresh in production: data, build, deploy, monitor, again')
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .showSuggestionAfterError(true);
  for (const option of globalOptions()) program.addOption(option);
  return program.addHelpText(
    'after',
    '\nExamples:\n  perennial up --detach\n  perennial apply -f perennial.yaml\n  perennial data ingest -f perennial.yaml\n  perennial trigger --model bike-demand\n  perennial runs watch',
  );
}

function contextOf(command: Command, env: CliContext['env'], streams: CliStreams): CliContext {
  const given: Partial<GlobalOptions> & { color?: boolean } = command.optsWithGlobals();
  const own: Partial<GlobalOptions> = command.opts();
  const options: GlobalOptions = {
    model: own.model ?? given.model,
    url: own.url ?? given.url,
    key: own.key ?? given.key,
    environment: own.environment ?? given.environment ?? 'production',
    project: own.project ?? given.project ?? 'default',
    json: own.json === true || given.json === true,
    yes: own.yes === true || given.yes === true,
  };
  const noColour = given.color === false || (env['NO_COLOR'] ?? '') !== '';
  return {
    env,
    home: homeOf(env),
    stdin: streams.stdin,
    options,
    output: new Output({ json: options.json, noColour, stdout: streams.stdout, stderr: streams.stderr }),
  };
}

function complain({ output }: CliContext, caught: unknown): void {
  if (output.json)
    output.note(
      JSON.stringify(
        caught instanceof PerennialError
          ? { error: { code: caught.code, message: caught.message, ...caught.fields } }
          : { error: { code: 'internal', message: reasonOf(caught) } },
      ),
    );
  else output.note(`${output.colours.red('perennial:')} ${reasonOf(caught)}`);
}
