import { buildPipeline } from './build-pipeline.ts';
import { collectGarbage } from './collect-garbage.ts';
import { codePipeline } from './code-pipeline.ts';
import { dataPipeline } from './data-pipeline.ts';
import { deployPipeline } from './deploy-pipeline.ts';
import { lifecycle } from './lifecycle.ts';
import { monitorPipeline } from './monitor-pipeline.ts';
import { rehearsal } from './rehearsal-pipeline.ts';
import { rollbackPipeline } from './rollback-pipeline.ts';
import { scheduledTrigger } from './scheduled-trigger.ts';
import { signLedgerHeads } from './sign-ledger-heads.ts';
import { pinned, upgraded } from './running/versioning.ts';

pinned(
  buildPipeline,
  codePipeline,
  collectGarbage,
  dataPipeline,
  deployPipeline,
  monitorPipeline,
  rehearsal,
  rollbackPipeline,
  scheduledTrigger,
  signLedgerHeads,
);
upgraded(lifecycle);

export {
  buildPipeline,
  codePipeline,
  collectGarbage,
  dataPipeline,
  deployPipeline,
  lifecycle,
  monitorPipeline,
  rehearsal,
  rollbackPipeline,
  scheduledTrigger,
  signLedgerHeads,
};
