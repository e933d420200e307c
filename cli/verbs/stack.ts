import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import type { CliContext, StackFile } from '../context.ts';
import { readStackFile } from '../context.ts';
import { isAlive, runningStack, runStack, startStack, stopStack } from '../stack-process.ts';
import type { VerbRegistry } from '../verb.ts';

const Readiness = z.record(z.string(), z.unknown());

export function stackVerbs({ program, act }: VerbRegistry): void {
  program
    .command('up')
    .description('start the embedded stack: Postgres, Temporal, worker, API and gateway on this machine')
    .option('-d, --detach', 'leave it running in the background')
    .addHelpText('after', '\nExamples:\n  perennial up\n  perennial up --detach && perennial status')
    .action(
      act(async (context, options: { detach?: boolean }) => {
        if (options.detach !== true) {
          process.exitCode = await runStack(context);
          return;
        }
        const stack = (await runningStack(context)) ?? (await startStack(context));
        context.output.done();
        context.output.data(stack, () => addresses(stack));
      }),
    );

  program
    .command('down')
    .description('stop the embedded stack; its state stays')
    .addHelpText('after', '\nExample:\n  perennial down')
    .action(
      act(async (context) => {
        const stopped = await stopStack(context);
        context.output.data({ stopped }, () => (stopped ? 'stopped' : `no stack runs in ${context.home}`));
      }),
    );

  program
    .command('status')
    .description('what runs, where, and whether each part answers')
    .addHelpText('after', '\nExample:\n  perennial status --json')
    .action(
      act(async (context) => {
        const stack = readStackFile(context.home);
        if (stack === undefined || !isAlive(stack.pid))
          throw new PerennialError('not-found', `no stack runs in ${context.home}; start one with perennial up`, {
            home: context.home,
          });
        const parts = await readiness(stack);
        context.output.data({ ...stack, parts }, () => `${addresses(stack)}\n${describeParts(context, parts)}`);
      }),
    );
}

async function readiness(stack: StackFile): Promise<z.infer<typeof Readiness>> {
  try {
    const answer = await fetch(`${stack.api}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return Readiness.parse(await answer.json());
  } catch {
    return { api: 'does not answer' };
  }
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
