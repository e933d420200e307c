import { setTimeout as pause } from 'node:timers/promises';
import type { Service } from '../../stack/compose-file.ts';
import type { UpCommand } from './command-line.ts';
import type { DockerGround, DockerPart } from './parts.ts';
import { parts } from './parts.ts';
import type { Project } from './project.ts';
import { selectServices } from './project.ts';

type Condition = 'service_healthy' | 'service_completed_successfully';

interface Container {
  readonly service: string;
  readonly number: number;
  readonly definition: Service;
  part: DockerPart | undefined;
}

const healthyWithinMs = 60_000;
/** Each health check of one of our services starts a process, so checks are not frequent. */
const lookEveryMs = 400;

/** Acts on the containers of one project as Compose does, according to its documentation and source. */
export class Containers {
  readonly #ground: DockerGround;
  #containers: Container[] = [];
  #isOver = false;

  constructor(ground: DockerGround) {
    this.#ground = ground;
  }

  /** Starts dependencies first, and services that do not depend on each other concurrently. */
  async up(project: Project, command: UpCommand): Promise<void> {
    const selected = selectServices(project, command.services, command.dependencies);
    for (const name of Object.keys(command.scale)) if (!selected.has(name)) throw new Error(`no such service: ${name}`);
    const converging = new Map<string, Promise<void>>();
    const converge = (name: string): Promise<void> => {
      const known = converging.get(name);
      if (known !== undefined) return known;
      const service = project.services.get(name)!;
      const begun = (async () => {
        for (const [dependency, { condition }] of Object.entries(service.depends_on).filter(([on]) =>
          selected.has(on),
        )) {
          await converge(dependency);
          await this.#reach(dependency, condition);
        }
        await this.#reconcile(name, service, command);
      })();
      converging.set(name, begun);
      return begun;
    };
    await Promise.all([...selected].map(converge));
    if (!command.wait) return;
    await Promise.all([...selected].map((name) => this.#reach(name, conditionOf(project, name))));
  }

  /** Stops services before the services that they depend on. */
  async stop(project: Project): Promise<void> {
    const depth = (name: string): number =>
      1 + Math.max(0, ...Object.keys(project.services.get(name)?.depends_on ?? {}).map(depth));
    const depths = [...new Set(this.#containers.map(({ service }) => depth(service)))].sort((a, b) => b - a);
    for (const level of depths)
      await Promise.all(this.#containers.filter(({ service }) => depth(service) === level).map(stopContainer));
  }

  forget(): void {
    this.#containers = [];
  }

  list(): string[] {
    return this.#containers.map(
      ({ service, number, part }) => `${service}-${number} ${part === undefined ? 'exited' : 'running'}`,
    );
  }

  /** Kills every container that runs or is about to start. */
  async kill(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#containers.map(async ({ part }) => part?.child?.stop('SIGKILL', 0)));
  }

  /** Removes surplus containers, outdated ones first, then replaces outdated containers and creates missing ones. */
  async #reconcile(name: string, service: Service, command: UpCommand): Promise<void> {
    const wanted = command.scale[name] ?? 1;
    const there = this.#containers.filter((container) => container.service === name);
    const isOutdated = ({ definition }: Container): boolean => JSON.stringify(definition) !== JSON.stringify(service);
    const sorted = command.recreate
      ? [...there.filter((one) => !isOutdated(one)), ...there.filter((one) => isOutdated(one))]
      : there;
    const kept: Container[] = [];
    // A container that replaces another keeps its number.
    const numbers: number[] = [];
    for (const [index, container] of sorted.entries()) {
      if (index < wanted && (!isOutdated(container) || !command.recreate)) {
        kept.push(container);
        continue;
      }
      if (index < wanted) numbers.push(container.number);
      await stopContainer(container);
      this.#containers = this.#containers.filter((other) => other !== container);
    }
    let last = Math.max(0, ...there.map(({ number }) => number));
    while (kept.length < wanted)
      kept.push({ service: name, number: numbers.shift() ?? (last += 1), definition: service, part: undefined });
    await Promise.all(kept.filter(({ part }) => part === undefined).map((container) => this.#start(container)));
  }

  async #start(container: Container): Promise<void> {
    const start = parts[container.service];
    if (start === undefined) throw new Error(`the stand-in cannot run the service ${container.service}`);
    if (!this.#containers.includes(container)) this.#containers.push(container);
    container.part = await start(container.service, container.definition, this.#ground);
    if (!this.#isOver) return;
    await container.part.child?.stop('SIGKILL', 0);
    throw new Error(`${container.service} is no longer wanted`);
  }

  async #reach(name: string, condition: Condition): Promise<void> {
    const reached = condition === 'service_healthy' ? healthy : completed;
    await Promise.all(this.#containers.filter(({ service }) => service === name).map(reached));
  }
}

/**
 * Returns the condition that `up --wait` waits for. As in Compose, a service waits for completion if another service
 * depends on its completion.
 */
function conditionOf(project: Project, name: string): Condition {
  const conditions = [...project.services.values()].map(({ depends_on: on }) => on[name]?.condition);
  return conditions.includes('service_completed_successfully') ? 'service_completed_successfully' : 'service_healthy';
}

async function healthy({ service, part }: Container): Promise<void> {
  for (const giveUpAt = Date.now() + healthyWithinMs; !(await part?.isHealthy()); await pause(lookEveryMs)) {
    if (part?.child?.isRunning === false) throw new Error(`${service} ${await part.child.ended()}`);
    if (Date.now() > giveUpAt) throw new Error(`${service} is not healthy: ${part?.child?.said}`);
  }
}

async function completed(container: Container): Promise<void> {
  const end = (await container.part?.child?.ended()) ?? 0;
  container.part = undefined;
  if (end !== 0) throw new Error(`${container.service} ${end}`);
}

async function stopContainer(container: Container): Promise<void> {
  const { service, definition, part } = container;
  container.part = undefined;
  const seconds = /^(\d+)s$/.exec(definition.stop_grace_period)?.[1];
  const end = (await part?.child?.stop(part.stopSignal, Number(seconds) * 1_000)) ?? 0;
  if (end !== 0) throw new Error(`${service} ${end}`);
}
