import { z } from 'zod';
import { PerennialError } from '../contracts/errors.ts';
import { claimFile } from '../files/claim-file.ts';
import { type StateFolder, readStateFile } from './state-folder.ts';

const Holder = z.object({ pid: z.number(), api: z.string() }).loose();

/** Thrown if another stack holds the claim. That stack may also be starting or stopping. */
export class HomeIsHeld extends PerennialError {
  constructor(sentence: string, home: string) {
    super('conflict', sentence, { home });
  }
}

/** Claims the home for one stack. Returns a function that releases the claim. */
export function claimHome(folder: StateFolder): () => void {
  const release = claimFile(folder.lock);
  if (release !== undefined) return release;
  const holder = readStateFile(folder.stackFile, Holder);
  const who = holder === undefined ? '' : ` (process ${holder.pid}, API at ${holder.api})`;
  throw new HomeIsHeld(
    `a stack is already running in ${folder.home}${who}; stop that stack with perennial down, or set PERENNIAL_HOME to another folder`,
    folder.home,
  );
}
