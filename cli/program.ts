import { Command, CommanderError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { variablesGiven } from '../contracts/settings/settings.ts';
import type { CliContext, GlobalOptions } from './cli-context.ts';
import { homeOf } from './cli-context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import { usageErrorOf } from './usage-error.ts';
import type { VerbRegistry } from './verb.ts';
import { jsonText } from './views/visible-text.ts';
import { applyVerb } from './verbs/apply-verb.ts';
import { archiveVerbs } from './verbs/archive-verbs.ts';
import { buildVerbs } from './verbs/build-verbs.ts';
import { completionVerb } from './verbs/completion-verb.ts';
import { dataVerbs } from './verbs/data-verbs.ts';
import { approvalVerbs } from './verbs/approval-verbs.ts';
import { connectionVerbs } from './verbs/connection-verbs.ts';
import { codeVerbs } from './verbs/code-verbs.ts';
import { deployVerbs } from './verbs/deploy-verbs.ts';
import { doctorVerb } from './verbs/doctor-verb.ts';
import { gcVerb } from './verbs/gc-verb.ts';
import { ledgerVerb } from './verbs/ledger-verb.ts';
import { observeVerbs } from './verbs/observe-verbs.ts';
import { promoteVerb } from './verbs/promote-verb.ts';
import { runVerbs } from './verbs/run-verbs.ts';
import { scheduleVerbs, triggerVerb } from './verbs/schedule-verbs.ts';
import { triggersVerb } from './verbs/triggers-verb.ts';
import { demoVerb, rehearseVerb } from './verbs/rehearse-verb.ts';
import { stackVerbs } from './verbs/stack-verbs.ts';

type Writers = Readonly<Record<'stdout' | 'stderr', { write(text: string): boolean }>>;

export interface CliStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Parses and runs one command line. Returns the exit code: 0 done, 1 failed, 2 usage, 4 not allowed. */
export async function runCli(
  argv: readonly string[],
  environment: CliContext['env'],
  streams: CliStreams,
): Promise<number> {
  const env = variablesGiven(environment);
  let exitCode: number = exitCodes.done;
  const program: Command = commandLine(
    (handler) =>
      async (...args) => {
        // Commander appends the command itself after the arguments that a handler declares.
        const last = args.at(-1);
        const context = contextOf(last instanceof Command ? last : program, env, streams);
        try {
          await handler(context, ...args);
        } catch (caught) {
          context.output.done();
          complain(context.output, caught);
          exitCode = exitCodeOf(caught);
        }
      },
    streams,
  );
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (caught) {
    if (!(caught instanceof CommanderError)) throw caught;
    if (caught.exitCode === 0) return exitCodes.done;
    exitCode = exitCodes.usage;
    // If the caller left out a subcommand, commander has already listed the available ones.
    if (caught.code !== 'commander.help' || isJson(argv))
      complain(outputOf(isJson(argv), false, env, streams), usageErrorOf(caught, commandLine(doNothing, silent), argv));
  }
  return exitCode;
}

const doNothing: VerbRegistry['act'] = () => async () => {};
const silent = { stdout: { write: () => true }, stderr: { write: () => true } };

function isJson(argv: readonly string[]): boolean {
  return argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json');
}

/** Returns the program with every verb, whose handlers are wrapped with `act`. */
export function commandLine(act: VerbRegistry['act'], streams: Writers = silent): Command {
  const program = globalProgram(streams);
  for (const register of [
    stackVerbs,
    applyVerb,
    codeVerbs,
    dataVerbs,
    buildVerbs,
    deployVerbs,
    promoteVerb,
    approvalVerbs,
    observeVerbs,
    triggerVerb,
    triggersVerb,
    scheduleVerbs,
    runVerbs,
    connectionVerbs,
    ledgerVerb,
    archiveVerbs,
    gcVerb,
    doctorVerb,
    rehearseVerb,
    demoVerb,
    completionVerb,
  ])
    register({ program, act });
  for (const command of program.commands) behaveAlike(command);
  return program;
}

/** Makes help, errors and global options work the same at every level, and allows options before or after the verb. */
function behaveAlike(command: Command): void {
  command.exitOverride();
  for (const option of globalOptions()) command.addOption(option.hideHelp());
  for (const sub of command.commands) behaveAlike(sub);
}

function globalOptions(): Option[] {
  return [
    new Option('-m, --model <name>', 'the model (default: the name in ./perennial.yaml)'),
    new Option('-e, --environment <name>', 'the environment (default: production)'),
    new Option('--project <name>', 'the project (default: the project named default)'),
    new Option('--json', 'print one JSON document on standard output'),
    new Option('-y, --yes', 'do not ask for confirmation before changing what serves'),
    new Option('--url <url>', 'address of the API (default: PERENNIAL_URL, else the embedded stack)'),
    new Option('--key <key>', 'API key (default: PERENNIAL_KEY, else the embedded stack’s)'),
    new Option('--no-color', 'print without colours, as with the variable NO_COLOR'),
  ];
}

function globalProgram(streams: Writers): Command {
  const program = new Command('perennial')
    .description('keep models fresh in production: ingest data, build, deploy, monitor, repeat')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    // Errors are printed in one place, as a sentence or as JSON.
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      outputError: () => {},
    })
    .showSuggestionAfterError(true)
    .version(versionOf(new URL('../package.json', import.meta.url)));
  for (const option of globalOptions()) program.addOption(option);
  return program.addHelpText(
    'after',
    '\nData goes to standard output, everything else to standard error. With --json, an error is one line of JSON on standard error.\nExit codes: 0 done, 1 failed, 2 usage, 4 not allowed, 130 interrupted.\n\nExamples:\n  perennial up --detach\n  perennial apply -f perennial.yaml\n  perennial data ingest -f perennial.yaml\n  perennial trigger --model bike-demand\n  perennial runs watch',
  );
}

function versionOf(manifest: URL): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(manifest, 'utf8'))).version;
}

function contextOf(command: Command, env: CliContext['env'], streams: CliStreams): CliContext {
  const given: Partial<GlobalOptions> & { color?: boolean } = command.optsWithGlobals();
  const own: Partial<GlobalOptions> = command.opts();
  const options: GlobalOptions = {
    model: own.model ?? given.model,
    url: own.url ?? given.url,
    key: own.key ?? given.key,
    environment: own.environment ?? given.environment ?? 'production',
    environmentGiven: own.environment ?? given.environment,
    project: own.project ?? given.project ?? 'default',
    json: own.json === true || given.json === true,
    yes: own.yes === true || given.yes === true,
  };
  return {
    env,
    home: homeOf(env),
    stdin: streams.stdin,
    stderr: streams.stderr,
    options,
    output: outputOf(options.json, given.color === false, env, streams),
  };
}

function outputOf(json: boolean, plain: boolean, env: CliContext['env'], { stdout, stderr }: CliStreams): Output {
  const noColour = plain || (env['NO_COLOR'] ?? '') !== '';
  return new Output({ json, noColour, dumb: env['TERM'] === 'dumb', stdout, stderr });
}

function complain(output: Output, caught: unknown): void {
  if (output.json)
    output.note(
      jsonText(
        caught instanceof PerennialError
          ? { error: { code: caught.code, message: caught.message, ...caught.fields } }
          : { error: { code: 'internal', message: reasonOf(caught) } },
      ),
    );
  else output.note(`${output.colours.red('perennial:')} ${reasonOf(caught)}`);
}
