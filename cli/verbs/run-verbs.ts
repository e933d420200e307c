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
    .description('list runs of all models and environments, newest first; --model and --environment restrict the list')
    .addOption(new Option('--kind <kind>', 'list only runs of this kind').choices(RunKind.options))
    .addOption(new Option('--state <state>', 'list only runs in this state').choices(runStates))
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
    .description('watch one run live until it ends, or all runs until Ctrl-C')
    .argument('[id]', 'id of the run', idArgument('runs'))
    .addHelpText(
      'after',
      '\nFor one run, the exit code is the outcome of the run. Without a terminal, or with --json, each change is printed as one line.\n\nExamples:\n  perennial runs watch\n  perennial runs watch --json | jq .state',
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
    .description('print the log of a run')
    .argument('<id>', 'id of the run', idArgument('runs'))
    .option('-f, --follow', 'print the log live until the run ends; the exit code is the outcome of the run')
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
    .description('cancel a run')
    .argument('<id>', 'id of the run', idArgument('runs'))
    .option('--reason <text>', 'the reason, which is recorded in the ledger')
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
