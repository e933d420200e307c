import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id, Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { ConfigurationVersion, Model, ModelEnvironment } from '../../contracts/models/model.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

export interface ModelRepository {
  /**
   * Creates project, model, environment and ConfigurationVersion as needed and moves the environment's configuration
   * head. An equal configuration creates no new version.
   */
  apply(
    project: string,
    environment: string,
    configuration: Configuration,
    by: Id,
    /** A succeeded run whose staged code is applied in the same transaction. */
    codeRunId?: Id,
  ): Promise<{ readonly scope: Scope; readonly configuration: ConfigurationVersion; readonly changed: boolean }>;
  /** Creates project, model and environment as needed so that runs can begin. Applies no configuration. */
  introduce(project: string, environment: string, configuration: Configuration, by: Id): Promise<Scope>;
  /** Returns the project's archived models if `archived` is true, else the others. */
  list(viewer: Viewer, project: string, page: PageRequest, archived?: boolean): Promise<Page<Model>>;
  /**
   * Archives the model: nothing serves any more in any environment, new work fails with `model-archived`, and nothing
   * is deleted. Repeating the call changes nothing. Returns the scopes whose lifecycles must be woken so that they end.
   */
  archive(modelId: Id, decision: { readonly reason: string; readonly by: Id }): Promise<readonly Scope[]>;
  /** Restores an archived model: what served before serves again as a new generation. Heads are where they were. */
  restore(modelId: Id, decision: { readonly reason: string; readonly by: Id }): Promise<readonly Scope[]>;
  get(project: string, name: string): Promise<Model>;
  /** Returns the scope. Throws `not-found`, naming the model and its environments. */
  scope(project: string, name: string, environment: string): Promise<Scope>;
  scopeOf(modelId: Id, environment: string): Promise<Scope>;
  heads(scope: Scope): Promise<ModelEnvironment>;
  configuration(id: Id): Promise<ConfigurationVersion>;
  /** Returns the environment's configuration head. Throws `not-found` if no configuration was applied. */
  currentConfiguration(scope: Scope): Promise<ConfigurationVersion>;
  /** Returns every scope that needs a lifecycle. */
  scopes(): Promise<readonly Scope[]>;
}
