import { shortDigest } from '../../contracts/identifiers.ts';
import { z } from 'zod';
import { Generation } from '../../contracts/serving/deployment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { confirmChange } from '../confirm.ts';
import { apiOf, modelOf, modelPath } from '../cli-context.ts';
import { followDeployment } from '../following/follow-deployment.ts';
import type { VerbRegistry } from '../verb.ts';
import { startRun } from '../verb.ts';

const Deployments = z.object({ generation: Generation.nullable() }).loose();

/**
 * Deploys the release that serves in one environment to the next one, under the next one's policy. The release stays
 * the same, except for its evaluation if another champion serves there.
 */
export function promoteVerb({ program, act }: VerbRegistry): void {
  program
    .command('promote')
    .description(
      'take the release that serves in one environment and deploy it in another, under the same configuration',
    )
    .requiredOption(
      '--from <environment>',
      'the environment where the release serves now; --environment names the target',
    )
    .option('--detach', 'do not wait for the approval')
    .addHelpText('after', '\nExample:\n  perennial promote --from staging --environment production')
    .action(
      act(async (context, { from, detach }: { from: string; detach?: boolean }) => {
        const api = apiOf(context);
        const { environment } = context.options;
        if (from === environment)
          throw new PerennialError(
            'invalid-request',
            `--from ${from} is also the target environment; choose another environment with --from or --environment`,
          );
        const path = modelPath(context, '/deployments');
        const { generation } = await api.get(path, Deployments, { environment: from });
        const champion = generation?.slots.find(({ role }) => role === 'champion');
        if (champion === undefined)
          throw new PerennialError(
            'not-found',
            `nothing serves ${modelOf(context)} in ${from}; deploy a version there`,
          );
        const { modelVersionNumber: version, releaseDigest: release } = champion;
        await confirmChange(
          context,
          `${modelOf(context)} in ${environment}: → version ${version}, release ${shortDigest(release)} of ${from}`,
        );
        const run = await startRun(api, path, { release }, environment);
        await followDeployment(context, api, run, { version, detach });
      }),
    );
}
