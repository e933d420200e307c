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
    description: 'end a model: nothing of it serves or is built any more, and nothing is deleted',
    change: 'ends: nothing of it serves any more, in any environment, and nothing is built',
    done: 'is archived; perennial restore brings it back',
    example: 'perennial archive bike-demand --reason "the station was closed"',
  },
  {
    act: 'restore',
    description: 'bring an archived model back: what served serves again',
    change: 'comes back: what served when it was archived serves again; its schedules stay paused',
    done: 'is restored; perennial schedule resume resumes its schedules',
    example: 'perennial restore bike-demand --reason "it is open again"',
  },
] as const;

export function archiveVerbs({ program, act }: VerbRegistry): void {
  for (const verb of verbs)
    program
      .command(verb.act)
      .description(verb.description)
      .argument('[model]', 'its name (default: --model, else the name in ./perennial.yaml)')
      .requiredOption('--reason <text>', 'why; it goes into the ledger')
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
