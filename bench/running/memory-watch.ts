import { readdirSync, readFileSync } from 'node:fs';

const everyMs = 200;

export interface MemoryWatch {
  /** The largest resident memory that one process had so far, in MiB, and its command. */
  peak(): { readonly mebibytes: number; readonly command: string };
  stop(): void;
}

/** Watches a process and everything that it started, now and later. Only Linux shows this; elsewhere the peak is NaN. */
export function watchMemory(rootPid: number): MemoryWatch {
  let peak = { mebibytes: Number.NaN, command: 'unknown' };
  const look = (): void => {
    for (const { pid } of descendantsOf(rootPid)) {
      const mebibytes = residentMebibytes(pid);
      if (!(mebibytes <= peak.mebibytes) && !Number.isNaN(mebibytes)) peak = { mebibytes, command: commandOf(pid) };
    }
  };
  const timer = setInterval(look, everyMs);
  return { peak: () => peak, stop: () => clearInterval(timer) };
}

/** Resident memory of a process in MiB; NaN where it has ended or the system does not say. */
export function residentMebibytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status'))?.[1]) / 1024;
}

function descendantsOf(rootPid: number): readonly { readonly pid: number }[] {
  const parents = new Map<number, number>();
  for (const name of listProcesses()) {
    const parent = /^PPid:\s+(\d+)/m.exec(readProc(name, 'status'))?.[1];
    if (parent !== undefined) parents.set(name, Number(parent));
  }
  const belongs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === rootPid) return true;
    return false;
  };
  return [...parents.keys()].filter(belongs).map((pid) => ({ pid }));
}

function listProcesses(): readonly number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  const words = readProc(pid, 'cmdline').split('\0');
  return (
    words
      .find((word) => /\.(ts|mjs|js)$/.test(word))
      ?.split('/')
      .slice(-3)
      .join('/') ??
    words[0] ??
    'unknown'
  );
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
