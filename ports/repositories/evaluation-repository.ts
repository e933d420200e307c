import type { Evaluation, EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

export interface EvaluationRepository {
  /**
   * Stores one evaluation per run, version and champion. A run that refits has two versions, and the champion may
   * change during a deployment.
   */
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
  /** Returns the run's evaluations, newest first. */
  ofRun(runId: Id): Promise<readonly Evaluation[]>;
  /** Returns the version's evaluations that the viewer may see, newest first. */
  ofVersion(viewer: Viewer, modelVersionId: Id): Promise<readonly Evaluation[]>;
  /** Returns the newest evaluation of a version in an environment. */
  latest(scope: Scope, modelVersionId: Id): Promise<Evaluation | undefined>;
}
