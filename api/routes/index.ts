import type { Api, RouteContext } from '../dependencies.ts';
import type { ApiMetrics } from '../metrics.ts';
import { approvalRoutes } from './approvals.ts';
import { blobRoutes } from './blobs.ts';
import { buildRoutes } from './builds.ts';
import { connectionRoutes } from './connections.ts';
import { collectionRoutes } from './collections.ts';
import { codeRoutes } from './code.ts';
import { datasetRoutes } from './datasets.ts';
import { deploymentRoutes } from './deployments.ts';
import { doctorRoutes } from './doctor.ts';
import { environmentRoutes } from './environments.ts';
import { healthRoutes } from './health.ts';
import { labelCorrectionRoutes } from './label-corrections.ts';
import { labelRoutes } from './labels.ts';
import { ledgerRoutes } from './ledger.ts';
import { ledgerVerificationRoutes } from './ledger-verification.ts';
import { modelRoutes } from './models.ts';
import { principalRoutes } from './principals.ts';
import { quarantineRoutes } from './quarantines.ts';
import { rehearsalRoutes } from './rehearsals.ts';
import { reportRoutes } from './reports.ts';
import { runRoutes } from './runs.ts';
import { scheduleRoutes } from './schedules.ts';
import { servedRoutes } from './served.ts';
import { triggerRoutes } from './triggers.ts';
import { webhookRoutes } from './webhooks.ts';
import { versionRoutes } from './versions.ts';

const nouns: readonly ((app: Api, context: RouteContext) => void)[] = [
  modelRoutes,
  datasetRoutes,
  codeRoutes,
  buildRoutes,
  versionRoutes,
  deploymentRoutes,
  approvalRoutes,
  labelRoutes,
  labelCorrectionRoutes,
  reportRoutes,
  triggerRoutes,
  rehearsalRoutes,
  scheduleRoutes,
  environmentRoutes,
  principalRoutes,
  runRoutes,
  quarantineRoutes,
  servedRoutes,
  ledgerRoutes,
  ledgerVerificationRoutes,
  blobRoutes,
  collectionRoutes,
  doctorRoutes,
  connectionRoutes,
  webhookRoutes,
];

/** One file a noun, one line a file. */
export function registerRoutes(app: Api, context: RouteContext, metrics: ApiMetrics): void {
  healthRoutes(app, context, metrics);
  for (const register of nouns) register(app, context);
}
