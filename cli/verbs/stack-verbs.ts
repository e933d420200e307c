import { z } from 'zod';
import { diskFullSentence } from '../../contracts/disk-full.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { LiveWorker } from '../../contracts/runs/isolation.ts';
import type { CliContext, StackFile } from '../cli-context.ts';
import { apiOf, readStackFile } from '../cli-context.ts';
import { isDiskFull } from '../files/is-disk-full.ts';
import { isAlive, runningStack, runStackProcess, startStack, stopStack } from '../stack-process.ts';
import type { VerbRegistry } from '../verb.ts';

const Readiness = z.record(z.string(), z.unknown());
const System = z.object({ workers: z.array(LiveWorker) });

export function stackVerbs({ program, act }: VerbRegistry): void {
  program
    .command('up')
    .description('start the embedded stack: Postgres, Temporal, worker, API and gateway on this machine')
    .option('-d, --detach', 'leave the stack running in the background')
    .addHelpText('after', '\nExamples:\n  perennial up\n  perennial up --detach && perennial status')
    .action(
      act(async (context, options: { detach?: boolean }) => {
        if (options.detach !== true) {
          process.exitCode = await runStackProcess(context);
          return;
        }
        const stack = (await runningStack(context)) ?? (await startStack(context));
        context.output.done();
        context.output.data(stack, () => addresses(stack));
      }),
    );

  program
    .command('down')
    .description('stop the embedded stack and keep its state')
    .addHelpText('after', '\nExample:\n  perennial down')
    .action(
      act(async (context) => {
        const stopped = await stopStack(context);
        context.output.data({ stopped }, () => (stopped ? 'stopped' : `no stack runs in ${context.home}`));
      }),
    );

  program
    .command('status')
    .description('show the addresses of the stack and whether each part answers')
    .addHelpText('after', '\nExample:\n  perennial status --json')
    .action(
      act(async (context) => {
        const stack = readStackFile(context.home);
        if (stack === undefined || !isAlive(stack.pid))
          throw new PerennialError('not-found', `no stack runs in ${context.home}; start one with perennial up`, {
            home: context.home,
          });
        const [parts, workers] = await Promise.all([readiness(context, stack), workersOf(context)]);
        context.output.data({ ...stack, parts, workers }, () =>
          [addresses(stack), describeParts(context, parts), ...workers.map(describeWorker)].join('\n'),
        );
      }),
    );
}

async function readiness(context: CliContext, stack: StackFile): Promise<z.infer<typeof Readiness>> {
  try {
    const answer = await fetch(`${stack.api}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return Readiness.parse(await answer.json());
  } catch {
    const disk = (await isDiskFull(context.home)) ? { disk: diskFullSentence(context.home) } : {};
    return { api: 'does not answer', ...disk };
  }
}

/** Returns no workers if the API does not answer; the table of parts already says so. */
async function workersOf(context: CliContext): Promise<readonly LiveWorker[]> {
  try {
    return (await apiOf(context).get('/v1/system', System)).workers;
  } catch (caught) {
    if (caught instanceof PerennialError) return [];
    throw caught;
  }
}

function describeWorker({ host, isolation }: LiveWorker): string {
  const { kind, reason, memory, publicNetwork } = isolation;
  if (kind === 'refused')
    return `worker on ${host}: no user code runs, because PERENNIAL_SANDBOX is "required" and ${reason ?? 'there is no sandbox'}`;
  if (kind === 'process-group')
    return `worker on ${host}: no sandbox (${reason ?? 'no reason is known'}); user code runs with the rights of the worker`;
  const network =
    publicNetwork === null
      ? 'user code cannot be given network access, because slirp4netns is missing'
      : `user code can be given network access through ${publicNetwork}`;
  return `worker on ${host}: bubblewrap sandboxes, memory limited by ${memory}; ${network}`;
}

function describeParts({ output }: CliContext, parts: z.infer<typeof Readiness>): string {
  return output.table(
    ['part', 'state'],
    Object.entries(parts).map(([part, state]) => [part, typeof state === 'string' ? state : JSON.stringify(state)]),
  );
}

export function addresses(stack: StackFile): string {
  return [
    `API          ${stack.api}/docs`,
    `gateway      ${stack.gateway}`,
    ...(stack.temporalUi ? [`Temporal UI  ${stack.temporalUi}`] : []),
  ].join('\n');
}
