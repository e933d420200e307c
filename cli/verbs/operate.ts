import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { LedgerEntry } from '../../contracts/ledger.ts';
import { Run } from '../../contracts/run.ts';
import { Schedule } from '../../contracts/schedule.ts';
import type { CliContext } from '../context.ts';
import { apiOf, modelOf, modelPath } from '../context.ts';
import { followRun, mustHaveSucceeded } from '../follow-run.ts';
import type { VerbRegistry } from '../verb.ts';
import { pageSchema } from '../verb.ts';
import { watchRuns } from '../watch-runs.ts';

export function triggerVerb({ program, act }: VerbRegistry): void {
  program
    .command('trigger')
    .description('give the lifecycle a reason to build, and with it to deploy')
    .option('--kind <kind>', 'manual, schedule, new-data, new-code, drift or performance', 'manual')
    .option('--reason <text>', 'why', '')
    .action(
      act(async (context, options: { kind: string; reason: string }) => {
        const { kind, reason } = options;
        const trigger = { kind, reason: reason === '' ? undefined : reason };
        const answer = await apiOf(context).send('POST', modelPath(context, '/triggers'), z.unknown(), trigger, {
          environment: context.options.environment,
        });
        context.output.data(
          answer,
          () =>
            `${modelOf(context)} in ${context.options.environment}: ${options.kind} trigger recorded; perennial runs watch shows what becomes of it`,
        );
      }),
    );
}

export function scheduleVerbs({ program, act }: VerbRegistry): void {
  const schedule = program.command('schedule').description('cron retraining');
  const path = (context: CliContext, name: string) => modelPath(context, `/schedules/${encodeURIComponent(name)}`);
  const here = (context: CliContext) => ({ environment: context.options.environment });

  schedule
    .command('set')
    .description('set when the lifecycle gets a schedule trigger')
    .argument('<name>')
    .requiredOption('--cron <expression>', 'five fields')
    .option('--timezone <zone>', 'IANA name', 'UTC')
    .option('--overlap <policy>', 'skip, buffer-one or allow-all', 'skip')
    .addHelpText('after', '\nExample:\n  perennial schedule set monthly --cron "0 3 1 * *" --timezone America/New_York')
    .action(
      act(async (context, name: string, options: { cron: string; timezone: string; overlap: string }) => {
        const { cron, timezone, overlap } = options;
        const wanted = { cron, timezone, overlap };
        const set = await apiOf(context).send('PUT', path(context, name), Schedule, wanted, here(context));
        context.output.data(set, () => describe(context, [set]));
      }),
    );

  schedule
    .command('list')
    .description('schedules and their next runs')
    .action(
      act(async (context) => {
        const { items } = await apiOf(context).get(
          modelPath(context, '/schedules'),
          pageSchema(Schedule),
          here(context),
        );
        context.output.data({ items }, () => describe(context, items));
      }),
    );

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    schedule
      .command(verb)
      .description(`${verb} a schedule`)
      .argument('<name>')
      .action(
        act(async (context, name: string) => {
          const api = apiOf(context);
          const { cron, timezone, overlap } = await api.get(path(context, name), Schedule, here(context));
          const set = await api.send(
            'PUT',
            path(context, name),
            Schedule,
            { cron, timezone, overlap, paused },
            here(context),
          );
          context.output.data(set, () => describe(context, [set]));
        }),
      );
  }

  schedule
    .command('remove')
    .description('remove a schedule')
    .argument('<name>')
    .action(
      act(async (context, name: string) => {
        await apiOf(context).send('DELETE', path(context, name), z.unknown(), undefined, here(context));
        context.output.data({ removed: name }, () => `${name} removed`);
      }),
    );
}

function describe(context: CliContext, schedules: readonly Schedule[]): string {
  return context.output.table(
    ['name', 'cron', 'timezone', 'paused', 'next'],
    schedules.map((s) => [s.name, s.cron, s.timezone, s.paused ? 'yes' : 'no', s.nextRuns[0] ?? '–']),
  );
}

export function runVerbs({ program, act }: VerbRegistry): void {
  const runs = program
    .command('runs')
    .description('runs, newest first')
    .option('--kind <kind>', 'data, code, build, deploy, rollback, monitor or rehearsal')
    .option('--limit <n>', 'at most', '20')
    .action(
      act(async (context, options: { kind?: string; limit: string }) => {
        const page = await apiOf(context).get('/v1/runs', pageSchema(Run), {
          model: context.options.model,
          kind: options.kind,
          limit: options.limit,
        });
        context.output.data(page, () =>
          context.output.table(
            ['id', 'model', 'environment', 'kind', 'state', 'because', 'recorded'],
            page.items.map((r) => [r.id, r.model, r.environment, r.request.kind, r.state, r.because, r.recordedAt]),
          ),
        );
      }),
    );

  runs
    .command('watch')
    .description('a live view of one run to its end, or of all of them until Ctrl-C')
    .argument('[id]', 'of the run')
    .action(
      act(async (context, id: string | undefined) => {
        const api = apiOf(context);
        if (id === undefined) return watchRuns(context, api);
        const run = await followRun(context, api, id, { logs: !context.output.json });
        context.output.data(run, () => `${run.request.kind} ${run.state}`);
        mustHaveSucceeded(run);
      }),
    );

  runs
    .command('logs')
    .description('the log of a run')
    .argument('<id>', 'of the run')
    .option('-f, --follow', 'to its end')
    .action(
      act(async (context, id: string, options: { follow?: boolean }) => {
        const api = apiOf(context);
        if (options.follow === true) await followRun(context, api, id, { logs: false });
        const Log = z.object({
          items: z.array(z.object({ sequence: z.number(), at: z.string(), stream: z.string(), line: z.string() })),
          next: z.number(),
        });
        for (let after = 0; ;) {
          const page = await api.get(`/v1/runs/${id}/logs`, Log, { after });
          for (const line of page.items) context.output.line(line, line.line);
          if (page.items.length === 0) return;
          after = page.next;
        }
      }),
    );

  runs
    .command('cancel')
    .description('stop a run')
    .argument('<id>', 'of the run')
    .option('--reason <text>', 'why', '')
    .action(
      act(async (context, id: string, options: { reason: string }) => {
        const reason = options.reason === '' ? undefined : options.reason;
        const answer = await apiOf(context).send('POST', `/v1/runs/${id}/cancel`, z.unknown(), { reason });
        context.output.data(answer, () => `${id} is being cancelled`);
      }),
    );
}

const Entry = LedgerEntry.extend({ principalName: z.string() });

export function ledgerVerb({ program, act }: VerbRegistry): void {
  program
    .command('ledger')
    .description('every decision, newest first')
    .option('--kind <kind>', 'e.g. generation.raised')
    .option('--since <instant>')
    .option('--limit <n>', 'at most', '50')
    .action(
      act(async (context, options: { kind?: string; since?: string; limit: string }) => {
        const page = await apiOf(context).get('/v1/ledger', pageSchema(Entry), {
          model: context.options.model,
          kind: options.kind,
          since: options.since,
          limit: options.limit,
        });
        context.output.data(page, () =>
          context.output.table(
            ['#', 'when', 'environment', 'what', 'who', 'why'],
            page.items.map((e) => [e.sequence, e.effectiveAt, e.environment ?? '–', e.kind, e.principalName, e.reason]),
          ),
        );
      }),
    );

  program
    .command('gc')
    .description('remove what no version, head or lease reaches (not built yet)')
    .action(
      act(async () => {
        throw new PerennialError(
          'not-implemented',
          'garbage collection is not built yet; nothing is removed by itself',
          {},
        );
      }),
    );
}
