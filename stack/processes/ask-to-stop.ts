import { z } from 'zod';
import { isSameProcess } from './process-identity.ts';
import { openStateFolder, readStateFile } from '../state-folder.ts';

const Stack = z.object({ pid: z.number().int().positive(), identity: z.string() }).loose();

/**
 * Asks the stack of the home to stop, if the process with the recorded id is still the stack. Returns false if no stack
 * runs.
 */
export function askStackToStop(home: string): boolean {
  const stack = readStateFile(openStateFolder(home).stackFile, Stack);
  if (stack === undefined || !isSameProcess(stack.pid, stack.identity)) return false;
  process.kill(stack.pid, 'SIGTERM');
  return true;
}
