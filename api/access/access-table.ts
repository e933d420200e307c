import type { Role } from '../../contracts/access/principal.ts';

/**
 * Where a grant must give the role:
 * - `everything`: on the whole installation;
 * - `project`, `model`, `environment`: on the whole project, model or environment that the request names;
 * - `scope`: on the model in the environment that the request names;
 * - `run`, `approval`, `rehearsal`: on the model and environment of the run, approval or rehearsal in the path;
 * - `somewhere`: on anything within the project; a list then shows only the rows on which a grant gives a role.
 */
export type AccessPlace =
  | 'everything'
  | 'project'
  | 'model'
  | 'environment'
  | 'scope'
  | 'run'
  | 'approval'
  | 'rehearsal'
  | 'somewhere';

export type RouteAccess =
  | { readonly to: 'anybody' }
  /** Any valid API key. */
  | { readonly to: 'any key' }
  | { readonly to: Role; readonly on: AccessPlace };

/**
 * The only definition of who may do what. Routes take their role from here (`authorize.ts`), the server does not start
 * with a route that is missing here, and the answer of a route that did not check its role is never sent.
 */
export const accessTable: Readonly<Record<string, RouteAccess>> = {
  'GET /healthz': { to: 'anybody' },
  'GET /readyz': { to: 'anybody' },
  // The webhook's signature authenticates the request.
  'POST /v1/webhooks/git/:model': { to: 'anybody' },

  'GET /openapi.json': { to: 'any key' },
  // Covers the page and all its files.
  'GET /docs': { to: 'any key' },

  'GET /metrics': { to: 'viewer', on: 'everything' },
  'GET /v1/system': { to: 'viewer', on: 'everything' },

  'GET /v1/models': { to: 'viewer', on: 'somewhere' },
  'GET /v1/models/:model': { to: 'viewer', on: 'scope' },
  'PUT /v1/models/:model': { to: 'operator', on: 'scope' },
  'POST /v1/models/:model/archive': { to: 'admin', on: 'model' },
  'POST /v1/models/:model/restore': { to: 'admin', on: 'model' },

  'PUT /v1/blobs/:sha256': { to: 'operator', on: 'somewhere' },
  'POST /v1/models/:model/datasets': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/datasets': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/datasets/:version': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/datasets/:version/rows': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/datasets/:version/diff/:other': { to: 'viewer', on: 'scope' },
  'POST /v1/models/:model/code': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/code': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/code/:version': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/code/:version/archive': { to: 'viewer', on: 'scope' },

  'POST /v1/models/:model/builds': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/builds/:build': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/versions': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/versions/:version': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/versions/:version/artifact': { to: 'viewer', on: 'scope' },

  'GET /v1/models/:model/deployments': { to: 'viewer', on: 'scope' },
  'POST /v1/models/:model/deployments': { to: 'operator', on: 'scope' },
  'POST /v1/models/:model/rollback': { to: 'operator', on: 'scope' },
  'POST /v1/models/:model/resume': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/served': { to: 'viewer', on: 'scope' },

  'GET /v1/approvals': { to: 'viewer', on: 'somewhere' },
  'GET /v1/approvals/:id': { to: 'viewer', on: 'approval' },
  'GET /v1/approvals/:id/evidence': { to: 'viewer', on: 'approval' },
  'GET /v1/approvals/:id/evidence.html': { to: 'viewer', on: 'approval' },
  // The voter also needs a role that the approval's policy names.
  'POST /v1/approvals/:id/votes': { to: 'viewer', on: 'approval' },

  'POST /v1/models/:model/labels': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/labels/corrections': { to: 'viewer', on: 'scope' },
  'POST /v1/models/:model/reports': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/reports': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/reports/:id': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/reports/:id/page.html': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/findings': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/triggers': { to: 'viewer', on: 'scope' },
  'POST /v1/models/:model/triggers': { to: 'operator', on: 'scope' },
  'POST /v1/models/:model/rehearsals': { to: 'operator', on: 'scope' },
  'GET /v1/models/:model/rehearsals': { to: 'viewer', on: 'scope' },
  'GET /v1/rehearsals/:id': { to: 'viewer', on: 'rehearsal' },
  'GET /v1/models/:model/schedules': { to: 'viewer', on: 'scope' },
  'GET /v1/models/:model/schedules/:name': { to: 'viewer', on: 'scope' },
  'PUT /v1/models/:model/schedules/:name': { to: 'operator', on: 'scope' },
  'DELETE /v1/models/:model/schedules/:name': { to: 'operator', on: 'scope' },

  'GET /v1/environments': { to: 'viewer', on: 'somewhere' },
  'PUT /v1/environments/:environment': { to: 'admin', on: 'environment' },
  'GET /v1/runs': { to: 'viewer', on: 'somewhere' },
  'GET /v1/runs/:id': { to: 'viewer', on: 'run' },
  'GET /v1/runs/:id/logs': { to: 'viewer', on: 'run' },
  'GET /v1/runs/:id/quarantine': { to: 'viewer', on: 'run' },
  'POST /v1/runs/:id/cancel': { to: 'operator', on: 'run' },
  'GET /v1/ledger': { to: 'viewer', on: 'somewhere' },
  // With the query parameter `model`, a role on that model is enough.
  'GET /v1/ledger/verify': { to: 'viewer', on: 'project' },
  'GET /v1/ledger/key': { to: 'any key' },

  'GET /v1/connections': { to: 'admin', on: 'project' },
  'GET /v1/connections/:name': { to: 'admin', on: 'project' },
  'PUT /v1/connections/:name': { to: 'admin', on: 'project' },
  'DELETE /v1/connections/:name': { to: 'admin', on: 'project' },

  // These routes need a role on everything: a grant can cover everything, and the doctor and garbage collection work on
  // the whole installation.
  'GET /v1/principals': { to: 'admin', on: 'everything' },
  'POST /v1/principals': { to: 'admin', on: 'everything' },
  'POST /v1/principals/:id/keys': { to: 'admin', on: 'everything' },
  'DELETE /v1/principals/:id/keys': { to: 'admin', on: 'everything' },
  'DELETE /v1/principals/:id/keys/:key': { to: 'admin', on: 'everything' },
  'GET /v1/doctor': { to: 'admin', on: 'everything' },
  'POST /v1/doctor': { to: 'admin', on: 'everything' },
  'POST /v1/gc': { to: 'admin', on: 'everything' },
  'GET /v1/gc': { to: 'viewer', on: 'everything' },
  'GET /v1/gc/:id': { to: 'viewer', on: 'everything' },
  'GET /v1/gc/:id/blobs': { to: 'viewer', on: 'everything' },
};

interface RoutedRequest {
  readonly method: string;
  readonly routeOptions: { readonly url?: string | undefined };
}

/** Returns the access rule of a route, or `undefined` for an unknown path. HEAD has the rule of GET. */
export function accessOf({ method, routeOptions: { url } }: RoutedRequest): RouteAccess | undefined {
  if (url === undefined) return undefined;
  return accessTable[`${method === 'HEAD' ? 'GET' : method} ${url.startsWith('/docs/') ? '/docs' : url}`];
}
