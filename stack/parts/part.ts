/** A program of the stack that the supervisor starts, restarts and stops. */
export interface Part {
  readonly name: string;
  /** Parts of a higher stage are stopped first. */
  readonly stage: number;
  /** Signal for an orderly stop, and the time that the stop may take before the part is killed. */
  readonly stopSignal: NodeJS.Signals;
  readonly patienceMs: number;
  /** How long a start may take before it counts as hung. */
  readonly readyWithinMs: number;
  /** Called before each start. Also cleans up what an earlier process left behind. */
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

/** Stages of the parts. Parts are stopped from the highest stage to the lowest. */
export const stages = { postgres: 1, temporal: 2, worker: 3, api: 4, gateway: 5 } as const;

/** Whether an HTTP address answers with a success status within three seconds. */
export async function saysOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
