import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { Name } from '../../contracts/identifiers.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import { Problem } from '../problem.ts';

const tags = ['not built yet'];
const Connection = z.object({ name: Name });
const response = {
  501: { description: 'Not built yet', content: { 'application/problem+json': { schema: Problem } } },
};

/** Routes that are promised and not built: they say so, so that nobody takes their absence for a mistake in the path. */
export function unbuiltRoutes(app: Api, _context: RouteContext): void {
  const refuse = (what: string, wayOut: string) => () => {
    throw new PerennialError('not-implemented', `${what} is not built yet; ${wayOut}`);
  };
  const connections = refuse('a named connection', 'upload files with the command line instead');

  app.put(
    '/v1/connections/:name',
    { schema: { tags, summary: 'Set a named connection', params: Connection, response } },
    connections,
  );
  app.get(
    '/v1/connections/:name',
    { schema: { tags, summary: 'A named connection', params: Connection, response } },
    connections,
  );
  app.delete(
    '/v1/connections/:name',
    { schema: { tags, summary: 'Remove a named connection', params: Connection, response } },
    connections,
  );
}
