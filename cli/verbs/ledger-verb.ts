import { z } from 'zod';
import { Option } from 'commander';
import { PerennialError } from '../../contracts/errors.ts';
import { LedgerVerdict } from '../../contracts/ledger/ledger-head.ts';
import { LedgerEntry, LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import { instant, limitOption } from '../arguments.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import { listUpTo } from '../views/lists.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted } from '../verb.ts';

const Verdicts = z.object({ items: z.array(LedgerVerdict), next: z.string().optional() });
const Entry = LedgerEntry.extend({ principalName: z.string() });

interface LedgerOptions {
  readonly kind?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
}

export function ledgerVerb({ program, act }: VerbRegistry): void {
  const ledger = program
    .command('ledger')
    .description(
      'list every decision on all models and environments, newest first; --model and --environment restrict the list',
    )
    .addOption(new Option('--kind <kind>', 'list only decisions of this kind').choices(LedgerKind.options))
    .option('--since <instant>', 'list only decisions from this instant on', instant)
    .option('--until <instant>', 'list only decisions before this instant', instant)
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
            ['#', 'when', 'environment', 'kind', 'principal', 'reason'],
            page.items.map((e) => [e.sequence, e.effectiveAt, e.environment ?? '–', e.kind, e.principalName, e.reason]),
          ),
        );
      }),
    );
  verifyVerb({ program: ledger, act });
}

function verifyVerb({ program, act }: VerbRegistry): void {
  program
    .command('verify')
    .description('verify each chain, compare it with its signed copies, and show the first entry that does not match')
    .addHelpText(
      'after',
      '\nVerifies the chains of all models, or only of the model that --model names. Exit code 1 if an entry does not match.\n\nExamples:\n  perennial ledger verify\n  perennial ledger verify --model bike-demand --json',
    )
    .action(
      act(async (context) => {
        const verdicts = await verifyAll(context);
        context.output.data({ items: verdicts }, () => describeVerdicts(context, verdicts));
        const broken = verdicts.filter((verdict) => !verdict.verified);
        if (broken.length === 0) return;
        throw new PerennialError(
          'ledger-mismatch',
          `${broken.length} of ${counted(verdicts.length, 'chain')} not verified: ${broken.map(({ model }) => model).join(', ')}; docs/how-to/tampering.md says what to do`,
          { models: broken.map(({ model }) => model) },
        );
      }),
    );
}

async function verifyAll(context: CliContext): Promise<readonly LedgerVerdict[]> {
  const api = apiOf(context);
  const { model } = context.options;
  const verdicts: LedgerVerdict[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.get('/v1/ledger/verify', Verdicts, { model, cursor });
    verdicts.push(...page.items);
    context.output.progress(`${counted(verdicts.length, 'chain')} checked`);
    cursor = page.next;
  } while (cursor !== undefined);
  return verdicts;
}

function describeVerdicts({ output }: CliContext, verdicts: readonly LedgerVerdict[]): string {
  const rows = verdicts.map(({ model, verified, entries, signed }) => [
    model,
    verified ? 'verified' : 'NOT verified',
    entries,
    signed === null ? 'not yet' : `to ${signed.sequence} at ${signed.signedAt}`,
    signed?.copies ?? 0,
  ]);
  const problems = verdicts.flatMap(({ model, problem }) =>
    problem === null ? [] : [`${model}, entry ${problem.sequence}${recorded(problem)}: ${problem.what}`],
  );
  return [output.table(['model', 'chain', 'entries', 'signed', 'copies'], rows), ...problems].join('\n');
}

function recorded({ recordedAt }: { readonly recordedAt: string | null }): string {
  return recordedAt === null ? '' : `, recorded at ${recordedAt}`;
}
