import { z } from 'zod';
import { Model } from '../../contracts/models/model.ts';
import { confirmChange } from '../confirm.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelOf } from '../cli-context.ts';
import type { VerbRegistry } from '../verb.ts';

const Answer = z.object({ model: Model, environments: z.array(z.string()) });
const verbs = [
  {
    act: 'archive',
    description: 'archive a model: it no longer serves and builds no more versions, but nothing is deleted',
    change: 'will be archived: it stops serving in every environment and builds no more versions',
    done: 'is archived; perennial restore brings it back',
    example: 'perennial archive bike-demand --reason "the station was closed"',
  },
  {
    act: 'restore',
    description: 'restore an archived model: what served when it was archived serves again',
    change: 'will be restored: what served when it was archived serves again, but its schedules stay paused',
    done: 'is restored; perennial schedule resume resumes its schedules',
    example: 'perennial restore bike-demand --reason "it is open again"',
  },
] as const;

export function archiveVerbs({ program, act }: VerbRegistry): void {
  for (const verb of verbs)
    program
      .command(verb.act)
      .description(verb.description)
      .argument('[model]', 'name of the model (default: --model, else the name in ./perennial.yaml)')
      .requiredOption('--reason <text>', 'the reason, which is recorded in the ledger')
      .addHelpText('after', `\nExample:\n  ${verb.example}`)
      .action(
        act(async (context, model: string | undefined, { reason }: { reason: string }) => {
          const named: CliContext =
            model === undefined ? context : { ...context, options: { ...context.options, model } };
          const name = modelOf(named);
          await confirmChange(context, `${name} ${verb.change}`);
          const path = `/v1/models/${encodeURIComponent(name)}/${verb.act}`;
          const answer = await apiOf(named, 'admin').send('POST', path, Answer, { reason });
          context.output.data(answer, () => `${name} ${verb.done}`);
        }),
      );
}
