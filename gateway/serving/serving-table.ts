import type { Slot } from '../../contracts/serving/deployment.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ServingEntry, ServingMismatch, ServingReading } from '../../ports/repositories/deployment-repository.ts';
import type { LoadedModels, ServedModel } from './loaded-models.ts';
import type { Taken } from '../protocols/taken.ts';
import { takenFrom } from '../protocols/taken.ts';

export interface ServedSlot {
  readonly role: Slot['role'];
  readonly weight: number;
  readonly releaseDigest: Sha256;
  readonly version: number;
  readonly model: ServedModel;
  /** How requests are read for the slot's model. */
  readonly taken: Taken;
}

/** What serves one {model, environment}: a generation whose models are all loaded. */
export interface ServedScope {
  readonly entry: ServingEntry;
  readonly scope: Scope;
  readonly label: string;
  readonly generation: number;
  readonly slots: readonly ServedSlot[];
  readonly champion: ServedSlot;
  readonly canary: ServedSlot | undefined;
  readonly shadow: ServedSlot | undefined;
  readonly routingKey: string | null;
  readonly log: ServingEntry['log'];
  readonly virtual: boolean;
}

/** Result of loading a generation on this gateway, for `DeploymentRepository.acknowledge`. */
export interface LoadResult {
  readonly scope: Scope;
  readonly generation: number;
  /** null if the generation serves. */
  readonly error: string | null;
}

interface Retired {
  readonly slot: ServedSlot;
  readonly until: number;
}

/** State of one scope: the wanted entry, what serves, and slots that served until recently. */
interface Followed {
  wanted: ServingEntry;
  served: ServedScope | undefined;
  retired: readonly Retired[];
  busy: Promise<void> | undefined;
  failed: { readonly fingerprint: string; readonly at: number; readonly error: string } | undefined;
}

export interface ServingTableDependencies {
  readonly models: LoadedModels;
  readonly logger: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly steadyNow: () => number;
  readonly onLoaded: (result: LoadResult) => void;
  /** Called with the generations that the ledger does not confirm, after each reading. */
  readonly onMismatches: (found: readonly ServingMismatch[]) => void;
  /** How long models stay loaded after they stop serving, so that a rollback is instant. */
  readonly graceMs?: number;
  /** How long to wait before trying again to load a generation that could not be loaded. */
  readonly retryMs?: number;
}

const keyOf = (project: string, model: string, environment: string) => `${project}/${model}/${environment}`;

function keyOfScope({ project, model, environment }: Scope): string {
  return keyOf(project, model, environment);
}

/** Fingerprint of everything in an entry that changes how its scope is served. */
function fingerprintOf(entry: ServingEntry): string {
  const { generation, routingKey, log, virtual, staleness, shadowTolerance } = entry;
  return JSON.stringify([generation.generation, routingKey, log, virtual, staleness, shadowTolerance]);
}

/**
 * In-memory table of everything that is served. A new generation replaces the old one as a whole, once all its models
 * are loaded and warmed up. If one cannot be loaded, the old generation keeps serving and the failure is reported.
 */
export class ServingTable {
  readonly #scopes = new Map<string, Followed>();
  readonly #deps: Required<ServingTableDependencies>;
  #mismatches = new Map<string, ServingMismatch>();
  #known = false;

  constructor(deps: ServingTableDependencies) {
    this.#deps = { graceMs: 30 * 60_000, retryMs: 2_000, ...deps };
  }

  /**
   * Applies a reading of the database. Resolves when every scope serves its entry or has failed to load it. Generations
   * that the ledger does not confirm change nothing.
   */
  async follow({ entries, idle, mismatches }: ServingReading): Promise<void> {
    for (const key of idle.map(keyOfScope)) this.#scopes.delete(key);
    this.#mismatches = new Map(mismatches.map((mismatch) => [keyOfScope(mismatch.scope), mismatch]));
    this.#missNobody(new Set([...entries.map((entry) => keyOfScope(entry.scope)), ...this.#mismatches.keys()]));
    const settling = entries.map(async (entry) => {
      const key = keyOfScope(entry.scope);
      const known = this.#scopes.get(key);
      // The newest confirmed generation may be older than the one that serves here, which was confirmed when it was
      // loaded.
      if (known?.served !== undefined && this.#mismatches.has(key)) return undefined;
      const followed = known ?? {
        wanted: entry,
        served: undefined,
        retired: [],
        busy: undefined,
        failed: undefined,
      };
      followed.wanted = entry;
      this.#scopes.set(key, followed);
      return this.#settle(followed);
    });
    this.#deps.onMismatches([...this.#mismatches.values()]);
    await Promise.all(settling);
    this.#known = true;
  }

  /**
   * Records a mismatch for each scope that the database no longer lists. The end of a deployment is in the ledger, so a
   * scope that disappears without it was deleted from the database.
   */
  #missNobody(told: ReadonlySet<string>): void {
    for (const [key, { wanted }] of this.#scopes) {
      if (told.has(key)) continue;
      const { scope, generation } = wanted;
      const reason = 'the database no longer has the deployment, but no entry of the ledger ends it';
      this.#mismatches.set(key, { scope, generation: generation.generation, reason });
    }
  }

  /** Returns how the scope's deployment differs from the ledger, or `undefined` if it does not. */
  mismatchOf({ project, model, environment }: Scope): ServingMismatch | undefined {
    return this.#mismatches.get(keyOf(project, model, environment));
  }

  mismatches(): readonly ServingMismatch[] {
    return [...this.#mismatches.values()];
  }

  /** Whether a reading was applied and each of its scopes either serves or has failed to load. */
  get ready(): boolean {
    return (
      this.#known &&
      [...this.#scopes.values()].every((followed) => followed.served !== undefined || followed.failed !== undefined)
    );
  }

  /**
   * Returns what serves. Throws `not-found` if nothing is deployed there, and `model-unavailable` while that is unknown
   * or the generation cannot be served.
   */
  find(project: string, model: string, environment: string): ServedScope {
    const followed = this.#scopes.get(keyOf(project, model, environment));
    if (followed?.served) return followed.served;
    const label = scopeLabel({ project, model, environment });
    if (followed)
      throw new PerennialError(
        'model-unavailable',
        `${label} is deployed, but this gateway cannot serve it yet: ${followed.failed?.error ?? 'it is being loaded'}`,
        { model, environment },
      );
    const mismatch = this.#mismatches.get(keyOf(project, model, environment));
    if (mismatch)
      throw new PerennialError(
        'model-unavailable',
        `the deployment of ${label} does not match the ledger, so this gateway does not serve it: ${mismatch.reason}; perennial doctor shows what to do`,
        { model, environment },
      );
    if (!this.#known)
      throw new PerennialError(
        'model-unavailable',
        `this gateway has not read the deployments yet, so it cannot serve ${label}; try again`,
        { model, environment },
      );
    throw new PerennialError(
      'not-found',
      `no release of ${label} is deployed; see \`perennial served\`, or name another environment in the header Perennial-Environment`,
      { model, environment },
    );
  }

  /**
   * Returns the slot of a version that serves or served until recently; throws `not-found` if the version is not
   * loaded.
   */
  pinned(served: ServedScope, version: number): ServedSlot {
    const slots = this.#loaded(served);
    const found = slots.find((slot) => slot.version === version);
    if (found) return found;
    throw new PerennialError(
      'not-found',
      `version ${version} of ${served.label} is not loaded; the loaded versions are ${this.versions(served).join(', ')}`,
      { version },
    );
  }

  /** Returns the numbers of the loaded versions, in ascending order. */
  versions(served: ServedScope): readonly number[] {
    return [...new Set(this.#loaded(served).map((slot) => slot.version))].toSorted((a, b) => a - b);
  }

  all(): readonly ServedScope[] {
    return [...this.#scopes.values()].flatMap((followed) => followed.served ?? []);
  }

  /** Returns the entries that a restart without a database should serve: what serves, or else what is wanted. */
  entries(): readonly ServingEntry[] {
    return [...this.#scopes.values()].map((followed) => followed.served?.entry ?? followed.wanted);
  }

  /**
   * Unloads models that stopped serving longer ago than the grace period. Returns the artifacts that are still needed,
   * or `undefined` while something is being loaded.
   */
  async sweep(): Promise<ReadonlySet<Sha256> | undefined> {
    const followed = [...this.#scopes.values()];
    // A model that is being loaded is not in any slot yet.
    if (followed.some((scope) => scope.busy !== undefined)) return undefined;
    const now = this.#deps.steadyNow();
    for (const scope of followed) scope.retired = scope.retired.filter((retired) => retired.until > now);
    const models = new Set(
      followed.flatMap((scope) =>
        [...(scope.served?.slots ?? []), ...scope.retired.map((retired) => retired.slot)].map((slot) => slot.model),
      ),
    );
    const wanted = followed.flatMap((scope) => scope.wanted.versions.map((version) => version.artifact));
    await this.#deps.models.keepOnly(models);
    return new Set([...wanted, ...[...models].map((model) => model.artifact)]);
  }

  #loaded(served: ServedScope): readonly ServedSlot[] {
    const { project, model, environment } = served.scope;
    const retired = this.#scopes.get(keyOf(project, model, environment))?.retired ?? [];
    return [...served.slots, ...retired.map((entry) => entry.slot)];
  }

  /** Loads one generation at a time per scope. An entry that arrives meanwhile is loaded next. */
  async #settle(followed: Followed): Promise<void> {
    if (followed.busy) return followed.busy;
    if (!this.#isDue(followed)) return;
    followed.busy = this.#advance(followed).finally(() => (followed.busy = undefined));
    return followed.busy;
  }

  #isDue({ wanted, served, failed }: Followed): boolean {
    const fingerprint = fingerprintOf(wanted);
    if (served && fingerprintOf(served.entry) === fingerprint) return false;
    return failed?.fingerprint !== fingerprint || this.#deps.steadyNow() - failed.at >= this.#deps.retryMs;
  }

  async #advance(followed: Followed): Promise<void> {
    while (this.#isDue(followed)) {
      const entry = followed.wanted;
      const result = { scope: entry.scope, generation: entry.generation.generation };
      try {
        this.#swap(followed, await this.#load(entry));
        followed.failed = undefined;
        this.#deps.onLoaded({ ...result, error: null });
      } catch (caught) {
        const error = reasonOf(caught);
        followed.failed = { fingerprint: fingerprintOf(entry), at: this.#deps.steadyNow(), error };
        this.#deps.logger.error(
          { err: caught, scope: scopeLabel(entry.scope), generation: result.generation },
          'a generation cannot be loaded; the previous generation keeps serving',
        );
        this.#deps.onLoaded({ ...result, error });
      }
    }
  }

  async #load(entry: ServingEntry): Promise<ServedScope> {
    const label = scopeLabel(entry.scope);
    const slots = await Promise.all(entry.generation.slots.map((slot) => this.#loadSlot(entry, slot)));
    const champion = slots.find((slot) => slot.role === 'champion');
    if (!champion)
      throw new PerennialError('internal', `generation ${entry.generation.generation} of ${label} has no champion`);
    const canary = slots.find((slot) => slot.role === 'canary');
    return {
      entry,
      scope: entry.scope,
      label,
      generation: entry.generation.generation,
      slots,
      champion,
      canary,
      shadow: slots.find((slot) => slot.role === 'shadow'),
      routingKey: entry.routingKey,
      log: entry.log,
      virtual: entry.virtual,
    };
  }

  async #loadSlot(entry: ServingEntry, slot: Slot): Promise<ServedSlot> {
    const version = entry.versions.find((candidate: { readonly id: Id }) => candidate.id === slot.modelVersionId);
    if (!version)
      throw new PerennialError(
        'internal',
        `generation ${entry.generation.generation} of ${scopeLabel(entry.scope)} names model version ${slot.modelVersionNumber}, which is missing from the serving table`,
      );
    const model = await this.#deps.models.load(version);
    return {
      role: slot.role,
      weight: slot.weight,
      releaseDigest: slot.releaseDigest,
      version: slot.modelVersionNumber,
      model,
      taken: takenFrom({
        signature: model.signature,
        missing: version.missing ?? 'as-trained',
        nulls: version.nulls ?? [],
      }),
    };
  }

  #swap(followed: Followed, next: ServedScope): void {
    const until = this.#deps.steadyNow() + this.#deps.graceMs;
    const serving = new Set(next.slots.map((slot) => slot.version));
    const before: Retired[] = (followed.served?.slots ?? []).map((slot) => ({ slot, until }));
    const retired = new Map([...followed.retired, ...before].map((entry) => [entry.slot.version, entry]));
    followed.retired = [...retired.values()].filter((entry) => !serving.has(entry.slot.version)).slice(-maximumRetired);
    followed.served = next;
    this.#deps.logger.info(
      {
        scope: next.label,
        generation: next.generation,
        versions: next.slots.map((slot) => [slot.role, slot.version, slot.weight]),
      },
      'a generation serves',
    );
  }
}

/** Maximum number of models per scope that stay loaded for a rollback. */
const maximumRetired = 8;
