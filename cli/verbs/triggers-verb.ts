import { z } from 'zod';
import { Instant } from '../../contracts/identifiers.ts';
import { Trigger } from '../../contracts/runs/trigger.ts';
import { limitOption } from '../arguments.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import type { VerbRegistry } from '../verb.ts';

const Wait = z.object({ for: z.string(), until: Instant.nullable() });
const Triggers = z.object({ items: z.array(Trigger), next: z.string().optional(), waits: z.array(Wait) });

const pageAtMost = 200;
const waitsFor: Readonly<Record<string, string>> = {
  debounce: 'a quiet period (retrain.debounce)',
  cooldown: 'the end of the cooldown after the last build (retrain.cooldown)',
  budget: 'the next period of the budget (retrain.budget)',
  build: 'the running build',
  rollback: 'the running rollback',
};

export function triggersVerb({ program, act }: VerbRegistry): void {
  program
    .command('triggers')
    .description('list the triggers of the lifecycle, and show what the next build waits for')
    .addOption(limitOption(20))
    .addHelpText('after', '\nExample:\n  perennial triggers --model bike-demand')
    .action(
      act(async (context, { limit }: { limit: number }) => {
        const { environment } = context.options;
        const path = modelPath(context, '/triggers');
        const triggers = await apiOf(context).get(path, Triggers, { environment, limit: Math.min(limit, pageAtMost) });
        context.output.data(triggers, () =>
          context.output.table(
            ['when', 'kind', 'status', 'outcome', 'reason'],
            triggers.items.map((t) => [t.effectiveAt, t.kind, t.status, t.runId ?? t.droppedBecause ?? '–', t.reason]),
          ),
        );
        for (const wait of triggers.waits) context.output.note(told(wait));
      }),
    );
}

function told({ for: what, until }: z.infer<typeof Wait>): string {
  return `the next build waits for ${waitsFor[what] ?? what}${until === null ? '' : `, until ${until}`}`;
}
