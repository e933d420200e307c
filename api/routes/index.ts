import type { Api, RouteContext } from '../route-context.ts';
import type { ApiMetrics } from '../api-metrics.ts';
import { approvalRoutes } from './serving/approval-routes.ts';
import { blobRoutes } from './building/blob-routes.ts';
import { buildRoutes } from './building/build-routes.ts';
import { connectionRoutes } from './operating/connection-routes.ts';
import { collectionRoutes } from './operating/collection-routes.ts';
import { codeRoutes } from './building/code-routes.ts';
import { datasetRoutes } from './building/dataset-routes.ts';
import { deploymentRoutes } from './serving/deployment-routes.ts';
import { doctorRoutes } from './operating/doctor-routes.ts';
import { environmentRoutes } from './operating/environment-routes.ts';
import { healthRoutes } from './operating/health-routes.ts';
import { labelCorrectionRoutes } from './serving/label-correction-routes.ts';
import { labelRoutes } from './serving/label-routes.ts';
import { ledgerRoutes } from './operating/ledger-routes.ts';
import { ledgerVerificationRoutes } from './operating/ledger-verification-routes.ts';
import { modelRoutes } from './building/model-routes.ts';
import { principalRoutes } from './operating/principal-routes.ts';
import { quarantineRoutes } from './building/quarantine-routes.ts';
import { rehearsalRoutes } from './serving/rehearsal-routes.ts';
import { reportRoutes } from './serving/report-routes.ts';
import { runRoutes } from './operating/run-routes.ts';
import { scheduleRoutes } from './operating/schedule-routes.ts';
import { servedRoutes } from './serving/served-routes.ts';
import { triggerRoutes } from './operating/trigger-routes.ts';
import { webhookRoutes } from './building/webhook-routes.ts';
import { versionRoutes } from './building/version-routes.ts';

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

/** Registers all routes. Each noun has one file, and each file one line here. */
export function registerRoutes(app: Api, context: RouteContext, metrics: ApiMetrics): void {
  healthRoutes(app, context, metrics);
  for (const register of nouns) register(app, context);
}
