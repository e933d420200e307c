import { z } from 'zod';
import { GitSource } from '../code/git-source.ts';

export const CodeSection = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('The folder of the training code, relative to perennial.yaml; the command line uploads it'),
  git: GitSource.optional().describe('Instead of path: a git repository that the server fetches'),
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'The training command, as a list of words; it runs in the code folder, without a shell. [notebook, train.ipynb] runs a notebook; build.params are inserted after the cell that has the tag "parameters"',
    ),
  environment: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A pip lock file or a package-lock.json in the code folder; the environment is created from it once and kept. A file without hashes is resolved once, and the result is kept in the CodeVersion',
    ),
  // No default: a default would change the digests of configurations stored before this key existed.
  allowBuilds: z
    .boolean()
    .optional()
    .describe(
      'Whether packages without a wheel are built, in a sandbox; the build runs code of the package. Default: false',
    ),
  network: z
    .boolean()
    .default(false)
    .describe(
      'Whether training may use the network. Where training runs without a sandbox, false does not close the network',
    ),
  validation: z
    .boolean()
    .default(false)
    .describe('Whether the training script receives the features of the holdout, without the target'),
});
