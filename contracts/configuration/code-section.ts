import { z } from 'zod';
import { GitSource } from '../code/git-source.ts';

export const CodeSection = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('The folder of the training code, relative to perennial.yaml; the command line uploads it'),
  git: GitSource.optional().describe('In its place: a git repository, which the server fetches from'),
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'What is run in that folder, as a list of words; no shell reads it. [notebook, train.ipynb] runs a notebook with build.params after its cell tagged parameters',
    ),
  environment: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A pip lock file in that folder, or a package-lock.json; the environment is made from it once and kept. One without hashes is resolved once, and the result kept in the CodeVersion',
    ),
  // No default: a default would change the digests of configurations stored before this key existed.
  allowBuilds: z
    .boolean()
    .optional()
    .describe(
      'Whether packages of the environment that have no wheel are built, in a sandbox; building runs code of theirs. Default: false',
    ),
  network: z
    .boolean()
    .default(false)
    .describe('Whether training may use the network; closed only where training has a sandbox'),
  validation: z
    .boolean()
    .default(false)
    .describe('Whether the script is handed the features of the holdout, without the target'),
});
