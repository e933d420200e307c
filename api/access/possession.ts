import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { RouteContext } from '../route-context.ts';

/**
 * A request may name only bytes that its project uploaded or produced, else `not-uploaded`. Every route that takes a
 * digest of bytes calls this. The answer is the same whether another project has the bytes or nobody has.
 */
export async function mustPossess(
  { repositories }: Pick<RouteContext, 'repositories'>,
  project: string,
  { name, sha256, pointer }: { readonly name: string; readonly sha256: Sha256; readonly pointer: string },
): Promise<void> {
  if (await repositories.blobs.has(project, sha256)) return;
  throw new PerennialError(
    'not-uploaded',
    `${name} (${sha256}) was not uploaded to project ${project}; PUT it to /v1/blobs/${sha256} of that project first`,
    { pointer, sha256, project },
  );
}
