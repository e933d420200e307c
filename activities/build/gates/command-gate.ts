import type { CommandGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { CheckResult } from '../../../contracts/models/training-job.ts';
import type { GateJudge } from './gate-judge.ts';

export const commandGate: GateJudge<'command'> = {
  verdicts(gate, { evidence, gates, rows }) {
    const commands = gates.filter((other) => 'command' in other);
    return [commandVerdict(gate, evidence?.commands[commands.indexOf(gate)], rows.challenger.truth.length)];
  },
};

/** Number of the script's last output lines that are shown as the reason. */
const linesShown = 3;

function commandVerdict(gate: CommandGate, ending: CheckResult | undefined, rows: number): GateVerdict {
  const name = `command ${gate.command.join(' ')}`;
  const told = { gate: name.slice(0, 200), threshold: 0, n: rows };
  if (ending === undefined)
    return { ...told, verdict: 'inconclusive', value: null, reason: `${told.gate} was not run` };
  if (ending.kind === 'stopped')
    return { ...told, verdict: 'fail', value: null, reason: `${told.gate}: ${ending.reason}` };
  const value = ending.exitCode;
  if (value === 0) return { ...told, verdict: 'pass', value, reason: '' };
  const said = ending.lastLines.slice(-linesShown).join(' | ');
  return {
    ...told,
    verdict: 'fail',
    value,
    reason: `${told.gate} ended with code ${value}${said === '' ? '' : `: ${said}`}`,
  };
}
