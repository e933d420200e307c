import { Option } from 'commander';
import { z } from 'zod';
import { Schedule, ScheduleInput } from '../../contracts/runs/schedule.ts';
import { TriggerKind } from '../../contracts/runs/trigger.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelOf, modelPath } from '../cli-context.ts';
import type { VerbRegistry } from '../verb.ts';
import { whenItFires } from '../views/when-it-fires.ts';

const Schedules = z.object({ items: z.array(Schedule) });

export function triggerVerb({ program, act }: VerbRegistry): void {
  program
    .command('trigger')
    .description('record a trigger, which gives the lifecycle a reason to build and deploy a version')
    .addOption(new Option('--kind <kind>', 'kind of the trigger').choices(TriggerKind.options).default('manual'))
    .option('--reason <text>', 'the reason, which is recorded in the ledger')
    .addHelpText('after', '\nExample:\n  perennial trigger --model bike-demand --reason "new stations opened"')
    .action(
      act(async (context, { kind, reason }: { kind: string; reason?: string }) => {
        const { environment } = context.options;
        const trigger = { kind, reason };
        const answer = await apiOf(context).send('POST', modelPath(context, '/triggers'), z.unknown(), trigger, {
          environment,
        });
        context.output.data(answer, () => `${modelOf(context)} in ${environment}: ${kind} trigger recorded`);
        context.output.note('perennial runs watch shows the runs that follow');
      }),
    );
}

export function scheduleVerbs({ program, act }: VerbRegistry): void {
  const schedule = program.command('schedule').description('manage cron schedules for retraining');
  const path = (context: CliContext, name: string) => modelPath(context, `/schedules/${encodeURIComponent(name)}`);
  const here = (context: CliContext) => ({ environment: context.options.environment });

  schedule
    .command('set')
    .description('create or replace a schedule, which records a trigger each time it fires')
    .argument('<name>', 'name of the schedule')
    .requiredOption('--cron <expression>', 'cron expression of five fields, a name such as @daily, or @every 6h')
    .option('--timezone <zone>', 'IANA name of the time zone', 'UTC')
    .addOption(
      new Option('--overlap <policy>', 'what to do when the schedule fires before its previous trigger is recorded')
        .choices(ScheduleInput.shape.overlap.unwrap().options)
        .default('skip'),
    )
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
    .description('list schedules and their next runs')
    .addHelpText('after', '\nExample:\n  perennial schedule list --model bike-demand')
    .action(
      act(async (context) => {
        const { items } = await apiOf(context).get(modelPath(context, '/schedules'), Schedules, here(context));
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
      .argument('<name>', 'name of the schedule')
      .addHelpText('after', `\nExample:\n  perennial schedule ${verb} monthly`)
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
    .argument('<name>', 'name of the schedule')
    .addHelpText('after', '\nExample:\n  perennial schedule remove monthly')
    .action(
      act(async (context, name: string) => {
        const api = apiOf(context);
        // DELETE succeeds for unknown names too, so this check reports a mistyped name.
        await api.get(path(context, name), Schedule, here(context));
        await api.send('DELETE', path(context, name), z.unknown(), undefined, here(context));
        context.output.data({ removed: name }, () => `${name} removed`);
      }),
    );
}

function describe(context: CliContext, schedules: readonly Schedule[]): string {
  const table = context.output.table(
    ['name', 'cron', 'timezone', 'paused', 'next'],
    schedules.map((s) => [s.name, s.cron, s.timezone, s.paused ? 'yes' : 'no', s.nextRuns[0] ?? '–']),
  );
  return [table, ...schedules.flatMap(whenItFires)].join('\n');
}
