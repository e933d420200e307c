import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { RouteContext } from '../route-context.ts';

/**
 * Throws `not-uploaded` unless the project uploaded or produced the bytes. Every route that takes a digest of bytes
 * calls this. The error is the same whether another project has the bytes or nobody does.
 */
export async function mustPossess(
  { repositories }: Pick<RouteContext, 'repositories'>,
  project: string,
  { name, sha256, pointer }: { readonly name: string; readonly sha256: Sha256; readonly pointer: string },
): Promise<void> {
  if (await repositories.blobs.has(project, sha256)) return;
  throw new PerennialError(
    'not-uploaded',
    `${name} (${sha256}) was not uploaded to project ${project}; upload it there first with PUT /v1/blobs/${sha256}`,
    { pointer, sha256, project },
  );
}
