import { DiagnosisPage } from '../../contracts/runs/diagnosis.ts';
import type { Problem } from '../../contracts/runs/diagnosis.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted } from '../verb.ts';

interface DoctorOptions {
  readonly fix?: boolean;
  readonly deep?: boolean;
}

export function doctorVerb({ program, act }: VerbRegistry): void {
  program
    .command('doctor')
    .description(
      'find problems: tampered ledger chains, missing bytes, schedules in Temporal that differ from the database, leftovers of dead processes',
    )
    .option('--fix', 'repair what can be repaired, and report the rest')
    .option('--deep', 'read all bytes that versions refer to, and compare them with their digests')
    .addHelpText(
      'after',
      '\nExit code 0: there is no problem, or all problems are repaired. Exit code 1: problems remain.\n\nExamples:\n  perennial doctor\n  perennial doctor --deep --json\n  perennial doctor --fix',
    )
    .action(
      act(async (context, { fix = false, deep = false }: DoctorOptions) => {
        const { examined, problems } = await examineAll(context, { fix, deep });
        const left = problems.filter((problem) => problem.state === 'found');
        context.output.data({ healthy: left.length === 0, examined, problems }, () =>
          describe(context, examined, problems),
        );
        if (left.length > 0)
          throw new PerennialError(
            'unhealthy',
            `${counted(left.length, 'problem')} found and not repaired${fix ? '' : '; perennial doctor --fix repairs what can be repaired'}`,
            { problems: left.length },
          );
      }),
    );
}

type Examined = Readonly<Record<string, number>>;

async function examineAll(
  context: CliContext,
  options: Required<DoctorOptions>,
): Promise<{ readonly examined: Examined; readonly problems: readonly Problem[] }> {
  const api = apiOf(context, 'admin');
  const examined: Record<string, number> = {};
  const problems: Problem[] = [];
  let cursor: string | undefined;
  do {
    const page = options.fix
      ? await api.send('POST', '/v1/doctor', DiagnosisPage, { ...options, cursor })
      : await api.get('/v1/doctor', DiagnosisPage, { deep: String(options.deep), cursor });
    examined[page.check] = (examined[page.check] ?? 0) + page.examined;
    problems.push(...page.items);
    context.output.progress(`${page.check}: ${examined[page.check]} examined`);
    cursor = page.next;
  } while (cursor !== undefined);
  return { examined, problems };
}

function describe({ output }: CliContext, examined: Examined, problems: readonly Problem[]): string {
  const rows = Object.entries(examined).map(([check, count]) => {
    const of = problems.filter((problem) => problem.check === check);
    const left = of.filter((problem) => problem.state === 'found').length;
    return [check, count, left === 0 ? 'healthy' : counted(left, 'problem'), of.length - left];
  });
  const told = problems.map(({ subject, what, state, wayOut }) =>
    state === 'mended' ? `repaired: ${subject}: ${what}` : `${subject}: ${what}\n  ${wayOut}`,
  );
  return [output.table(['check', 'examined', 'state', 'repaired'], rows), ...told].join('\n');
}
