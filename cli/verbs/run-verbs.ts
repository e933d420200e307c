import { Option } from 'commander';
import { z } from 'zod';
import { Run, RunKind, runStates } from '../../contracts/runs/run.ts';
import { idArgument, limitOption } from '../arguments.ts';
import { apiOf } from '../cli-context.ts';
import { listUpTo } from '../views/lists.ts';
import { followLog, printLog } from '../following/follow-log.ts';
import { elapsedOf } from '../views/run-view.ts';
import type { VerbRegistry } from '../verb.ts';
import { watchRun, watchRuns } from '../following/watch-runs.ts';

interface ListOptions {
  readonly kind?: string;
  readonly state?: string;
  readonly limit: number;
}

export function runVerbs({ program, act }: VerbRegistry): void {
  const runs = program
    .command('runs')
    .description('runs, newest first: of all models and environments, or of those named')
    .addOption(new Option('--kind <kind>', 'one kind of run').choices(RunKind.options))
    .addOption(new Option('--state <state>', 'in one state').choices(runStates))
    .addOption(limitOption(20))
    .addHelpText('after', '\nExamples:\n  perennial runs --model bike-demand --kind build\n  perennial runs watch')
    .action(
      act(async (context, { kind, state, limit }: ListOptions) => {
        const { model, environmentGiven: environment } = context.options;
        const query = { model, environment, kind, state };
        const page = await listUpTo(context, apiOf(context), '/v1/runs', Run, { limit, query });
        context.output.data(page, () =>
          context.output.table(
            ['id', 'model', 'environment', 'kind', 'state', 'took', 'because', 'recorded'],
            page.items.map((run) => [
              run.id,
              run.model,
              run.environment,
              run.request.kind,
              run.state,
              elapsedOf(run, Date.now()) || '–',
              run.because,
              run.recordedAt,
            ]),
          ),
        );
      }),
    );
  const registry = { program: runs, act };
  watchVerb(registry);
  logsVerb(registry);
  cancelVerb(registry);
}

function watchVerb({ program, act }: VerbRegistry): void {
  program
    .command('watch')
    .description('a live view of one run to its end, or of all of them until Ctrl-C')
    .argument('[id]', 'of the run', idArgument('runs'))
    .addHelpText(
      'after',
      '\nOf one run the exit code is its outcome. Without a terminal, and with --json, it is a line for each change.\n\nExamples:\n  perennial runs watch\n  perennial runs watch --json | jq .state',
    )
    .action(
      act(async (context, id: string | undefined) => {
        const api = apiOf(context);
        await (id === undefined ? watchRuns(context, api) : watchRun(context, api, id));
      }),
    );
}

function logsVerb({ program, act }: VerbRegistry): void {
  program
    .command('logs')
    .description('the log of a run')
    .argument('<id>', 'of the run', idArgument('runs'))
    .option('-f, --follow', 'live, to its end; the exit code is its outcome')
    .addHelpText(
      'after',
      '\nExample:\n  perennial runs logs --follow $(perennial runs --kind build --limit 1 --json | jq -r ".items[0].id")',
    )
    .action(
      act(async (context, id: string, options: { follow?: boolean }) => {
        const api = apiOf(context);
        await (options.follow === true ? followLog(context, api, id) : printLog(context, api, id));
      }),
    );
}

function cancelVerb({ program, act }: VerbRegistry): void {
  program
    .command('cancel')
    .description('stop a run')
    .argument('<id>', 'of the run', idArgument('runs'))
    .option('--reason <text>', 'why; it goes into the ledger')
    .addHelpText(
      'after',
      '\nExample:\n  perennial runs cancel 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10 --reason "wrong data"',
    )
    .action(
      act(async (context, id: string, { reason }: { reason?: string }) => {
        const answer = await apiOf(context).send('POST', `/v1/runs/${id}/cancel`, z.unknown(), { reason });
        context.output.data(answer, () => `${id} is being cancelled`);
      }),
    );
}
