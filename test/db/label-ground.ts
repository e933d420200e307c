import { createEnvironmentRepository } from '../../db/environments/environment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createMonitoringRepository } from '../../db/monitoring/monitoring-repository.ts';
import { platformViewer } from '../../contracts/access/principal.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LedgerEntry } from '../../contracts/ledger/ledger-entry.ts';
import type { IndexedPrediction } from '../../contracts/serving/prediction.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import { configuration, type DatabaseGround, digestOf, layDatabaseGround } from './database-ground.ts';

/** The time of every fresh scope's clock. */
export const begin = '2012-01-01T00:00:00.000Z';
/** The result of a batch of labels that changed nothing. */
export const counts = { accepted: 0, corrected: 0, repeated: 0, unknown: 0, refused: 0, waiting: 0, forgotten: 0 };

export type ServedPrediction = Partial<IndexedPrediction> & { readonly id: string };

export const named = (...ids: string[]): ServedPrediction[] => ids.map((id) => ({ id }));

/** A database with predictions for which a test can send labels. */
export interface LabelGround extends DatabaseGround {
  readonly monitoring: MonitoringRepository;
  /** Creates a scope that no other test touches. Its clock is virtual and shows `begin`. */
  freshScope(): Promise<Scope>;
  /** Records a segment with these predictions, as if it had arrived from a gateway. */
  arrive(scope: Scope, served: readonly ServedPrediction[], gatewayId?: Id): Promise<void>;
  /** Returns the ledger entries about corrected labels of the scope. */
  corrected(scope: Scope): Promise<readonly LedgerEntry[]>;
}

export async function layLabelGround(): Promise<LabelGround> {
  const ground = await layDatabaseGround();
  const { context, by } = ground;
  const monitoring = createMonitoringRepository(context);
  let made = 0;
  return {
    ...ground,
    monitoring,
    async freshScope() {
      const environment = `labels-${(made += 1)}`;
      await createEnvironmentRepository(context).makeVirtual('default', environment, begin, by);
      return (await createModelRepository(context).apply('default', environment, configuration, by)).scope;
    },
    async arrive(scope, served, gatewayId = context.ids.next()) {
      const rows = served.map((prediction): IndexedPrediction => {
        const given = { request: null, row: null, version: 1, happened: begin, recorded: begin };
        return { ...given, ...prediction };
      });
      await monitoring.addSegment(
        {
          id: context.ids.next(),
          gatewayId,
          modelId: scope.modelId,
          environment: scope.environment,
          sha256: digestOf(`labels ${(made += 1)}`),
          rows: rows.length,
          dropped: 0,
          from: begin,
          to: begin,
        },
        [JSON.stringify(rows)],
      );
    },
    async corrected(scope) {
      const filter = { project: 'default', environment: scope.environment, kind: 'labels.corrected' as const };
      return (await createLedgerRepository(context).list(platformViewer, filter, { limit: 200 })).items;
    },
  };
}
