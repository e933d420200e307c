/** One program of the stack, as the supervisor keeps it. */
export interface Part {
  readonly name: string;
  /** Higher ones are stopped first. */
  readonly stage: number;
  /** What asks it to end in good order, and for how long that may take. */
  readonly stopSignal: NodeJS.Signals;
  readonly patienceMs: number;
  /** How long a start may take before it counts as hung. */
  readonly readyWithinMs: number;
  /** Called before each start; deals with what an earlier end left behind. */
  command(): Promise<PartCommand>;
  answers(): Promise<boolean>;
}

export interface PartCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** The order in which parts are stopped, last one first. */
export const stages = { postgres: 1, temporal: 2, worker: 3, api: 4, gateway: 5 } as const;

/** Does an HTTP address say that all is well? */
export async function saysOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
