import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id, Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { ConfigurationVersion, Model, ModelEnvironment } from '../../contracts/models/model.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

export interface ModelRepository {
  /** Makes project, model, environment and ConfigurationVersion as needed and moves the environment's configuration head. An equal configuration is no new version. */
  apply(
    project: string,
    environment: string,
    configuration: Configuration,
    by: Id,
    /** A succeeded run that staged the code to apply with it, in the same transaction. */
    codeRunId?: Id,
  ): Promise<{ readonly scope: Scope; readonly configuration: ConfigurationVersion; readonly changed: boolean }>;
  /** Makes project, model and environment as needed, so that runs can begin. No configuration is applied. */
  introduce(project: string, environment: string, configuration: Configuration, by: Id): Promise<Scope>;
  /** Those that are not archived, or those that are. */
  list(viewer: Viewer, project: string, page: PageRequest, archived?: boolean): Promise<Page<Model>>;
  /**
   * Nothing serves any more in any environment, and nothing is begun (`model-archived`); nothing is deleted. Again is
   * free. Answers the scopes whose lifecycles are to be woken, so that they end.
   */
  archive(modelId: Id, decision: { readonly reason: string; readonly by: Id }): Promise<readonly Scope[]>;
  /** What served when it was archived serves again, as a new generation; heads are where they were. */
  restore(modelId: Id, decision: { readonly reason: string; readonly by: Id }): Promise<readonly Scope[]>;
  get(project: string, name: string): Promise<Model>;
  /** `not-found` names the model and the environments it has. */
  scope(project: string, name: string, environment: string): Promise<Scope>;
  scopeOf(modelId: Id, environment: string): Promise<Scope>;
  heads(scope: Scope): Promise<ModelEnvironment>;
  configuration(id: Id): Promise<ConfigurationVersion>;
  /** The environment's configuration head; `not-found` if none was applied. */
  currentConfiguration(scope: Scope): Promise<ConfigurationVersion>;
  /** Every scope that has a lifecycle to look after. */
  scopes(): Promise<readonly Scope[]>;
}
