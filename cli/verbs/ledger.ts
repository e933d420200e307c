import { z } from 'zod';
import { Option } from 'commander';
import { LedgerEntry, LedgerKind } from '../../contracts/ledger.ts';
import { instant, limitOption } from '../arguments.ts';
import { apiOf } from '../context.ts';
import { listUpTo } from '../lists.ts';
import type { VerbRegistry } from '../verb.ts';

const Entry = LedgerEntry.extend({ principalName: z.string() });

interface LedgerOptions {
  readonly kind?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

export function ledgerVerb({ program, act }: VerbRegistry): void {
  program
    .command('ledger')
    .description('every decision, newest first: of all models and environments, or of those named')
    .addOption(new Option('--kind <kind>', 'one kind of decision').choices(LedgerKind.options))
    .option('--since <instant>', 'from then on', instant)
    .option('--until <instant>', 'before then', instant)
    .addOption(limitOption(50))
    .addHelpText(
      'after',
      '\nExamples:\n  perennial ledger --model bike-demand --kind generation.raised\n  perennial ledger --environment production --since 2026-11-17T00:00:00Z --until 2026-11-18T00:00:00Z',
    )
    .action(
      act(async (context, { kind, since, until, limit }: LedgerOptions) => {
        const { model, environmentGiven: environment } = context.options;
        const query = { model, environment, kind, since, until };
        const page = await listUpTo(context, apiOf(context), '/v1/ledger', Entry, { limit, query });
        context.output.data(page, () =>
          context.output.table(
            ['#', 'when', 'environment', 'what', 'who', 'why'],
            page.items.map((e) => [e.sequence, e.effectiveAt, e.environment ?? '–', e.kind, e.principalName, e.reason]),
          ),
        );
      }),
    );
}
