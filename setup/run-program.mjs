// Runs programs for setup. Their output is not shown, except for its end if they fail, and they do not outlive setup.
import { spawn } from 'node:child_process';

const keptCharacters = 8_000;
const running = new Set();

/** Sends a signal to every program that setup has started. */
export function stopPrograms(signal) {
  for (const child of running) killGroup(child, signal);
}

/**
 * Resolves with the program's output; rejects with the end of it if the program fails. `onLine` gets the latest line
 * whenever output arrives.
 */
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
            `${file} ${args.join(' ')} ${signal === null ? `ended with code ${code}` : `was ended by ${signal}`}:\n${said.trimEnd()}`,
          ),
        );
    });
  });
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The process has already ended.
  }
}
