import { shortDigest } from '../../contracts/identifiers.ts';
import { CodeVersion } from '../../contracts/code/code-version.ts';
import { limitOption } from '../arguments.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import { listUpTo } from '../views/lists.ts';
import { outcomeOf } from '../views/run-view.ts';
import type { VerbRegistry } from '../verb.ts';

import { snapshotCode } from './apply-verb.ts';

export function codeVerbs({ program, act }: VerbRegistry): void {
  const code = program.command('code').description('take and list snapshots of training code');

  code
    .command('snapshot')
    .description(
      'take a snapshot of the code that the configuration names; the command uploads a folder, and the server fetches a git repository',
    )
    .option('-f, --file <file>', 'the configuration file', 'perennial.yaml')
    .addHelpText('after', '\nExample:\n  perennial code snapshot -f perennial.yaml')
    .action(
      act(async (context, options: { file: string }) => {
        const run = await snapshotCode(context, apiOf(context), options.file);
        context.output.data(run.outcome, () => outcomeOf(run));
      }),
    );

  code
    .command('log')
    .description('list code versions, newest first')
    .addOption(limitOption(50))
    .addHelpText('after', '\nExample:\n  perennial code log --model bike-demand')
    .action(
      act(async (context, { limit }: { limit: number }) => {
        const query = { environment: context.options.environment };
        const page = await listUpTo(context, apiOf(context), modelPath(context, '/code'), CodeVersion, {
          limit,
          query,
        });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'digest', 'files', 'commit', 'command', 'recorded'],
            page.items.map(({ number, digest, origin, manifest, recordedAt }) => [
              number,
              shortDigest(digest),
              origin.files,
              origin.gitCommit === undefined
                ? '–'
                : `${shortDigest(origin.gitCommit)}${origin.kind === 'folder' && origin.dirty === true ? '+' : ''}`,
              manifest.command.join(' '),
              recordedAt,
            ]),
          ),
        );
      }),
    );
}
