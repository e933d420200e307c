// Starts programs for setup: quietly, with the end of what they said if they fail, and never longer than setup lives.
import { spawn } from 'node:child_process';

const keptCharacters = 8_000;
const running = new Set();

/** Ends everything that setup has started. */
export function stopPrograms(signal) {
  for (const child of running) killGroup(child, signal);
}

/** Resolves with what it printed; rejects with the end of it. `onLine` sees each line as it comes. */
export function runProgram(file, args, { env, cwd, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    running.add(child);
    let said = '';
    const hear = (chunk) => {
      said = (said + chunk).slice(-keptCharacters);
      const line = said.trimEnd().split('\n').at(-1)?.trim();
      if (line && onLine) onLine(line.slice(0, 120));
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('error', (caught) => {
      running.delete(child);
      reject(caught);
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      if (code === 0) resolve(said);
      else
        reject(
          new Error(
            `${file} ${args.join(' ')} ${signal === null ? `ended with ${code}` : `was ended by ${signal}`}:\n${said.trimEnd()}`,
          ),
        );
    });
  });
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}
