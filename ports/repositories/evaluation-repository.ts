import type { Evaluation, EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

export interface EvaluationRepository {
  /** One per run, version and champion: a run that refits has two versions, and a deployment may see champions change. */
  commit(
    scope: Scope,
    evaluation: {
      readonly modelVersionId: Id;
      readonly championVersionId: Id | null;
      readonly digest: Sha256;
      readonly body: EvaluationBody;
    },
    context: { readonly runId: Id; readonly by: Id },
  ): Promise<Evaluation>;
  get(id: Id): Promise<Evaluation>;
  /** The run's evaluations, newest first. */
  ofRun(runId: Id): Promise<readonly Evaluation[]>;
  /** Newest first. */
  ofVersion(viewer: Viewer, modelVersionId: Id): Promise<readonly Evaluation[]>;
  /** The newest of a version in an environment. */
  latest(scope: Scope, modelVersionId: Id): Promise<Evaluation | undefined>;
}
