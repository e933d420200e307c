import type {
  Evidence,
  FileDifference,
  Lineage,
  RowsCompared,
  ValueDifference,
} from '../../contracts/serving/approval-evidence.ts';
import { farStandardDeviations } from '../../contracts/data/dataset-difference.ts';
import { describeUnlabelled } from '../../contracts/data/unlabelled-rows.ts';
import type { Html } from '../html.ts';
import { html, number, short, table, time } from '../html.ts';

export function dataSection({ data }: Evidence): Html {
  if (data === null) return html``;
  const { from, to, rows, rowsBefore, rowsAdded, rowsRemoved, columnsAdded, columnsRemoved, columnsChanged } = data;
  const columns = [
    ...columnsAdded.map((name) => ['added', name]),
    ...columnsRemoved.map((name) => ['removed', name]),
    ...columnsChanged.map((name) => ['type changed', name]),
  ];
  // Manifests list parts and not rows: a part may have been replaced because a single row in it changed.
  const moved =
    data.compared !== undefined
      ? rowsMoved(data.compared)
      : rowsRemoved === 0
        ? html`<strong>${number(rowsAdded)} added</strong>`
        : html`<strong>${number(rowsAdded)} rows in new parts</strong>, ${number(rowsRemoved)} rows in removed parts;
            both counts include changed rows, and unchanged rows in the same part as a changed row`;
  const compared =
    from === null
      ? html`<p>Dataset ${to} has ${number(rows)} rows; there is no champion to compare it with.</p>`
      : from === to
        ? html`<p>The same as the champion’s: dataset ${to} with ${number(rows)} rows.</p>`
        : html`<p>
            Dataset ${from} with ${number(rowsBefore)} rows → dataset ${to} with ${number(rows)} rows: ${moved}.
            <code>perennial data diff ${from} ${to}</code> compares them row by row.
          </p>`;
  return html`<section id="data">
    <h2>Data</h2>
    ${compared}${data.compared === undefined ? '' : columnsMoved(data.compared)}${columns.length === 0 ? html`<p class="none">The columns are the same.</p>` : table(['change', 'column'], columns, '')}
  </section>`;
}

function rowsMoved({ rows, key }: RowsCompared): Html {
  const { added, removed, changed, unchanged } = rows;
  const how =
    key === null ? 'the key is not unique, so a changed row counts as one removed and one added' : `matched by ${key}`;
  const altered = changed === null ? '' : html`, <strong>${number(changed)} changed</strong>`;
  return html`<strong>${number(added)} added</strong>, <strong>${number(removed)} removed</strong>${altered},
    ${number(unchanged)} unchanged (${how})`;
}

/** Renders which columns the changed rows differ in, and how far each column's distribution has moved. */
function columnsMoved({ changedBy, shifts, columns }: RowsCompared): Html {
  const differs = new Map(changedBy.map(({ column, rows }) => [column, rows]));
  const rows = shifts.map(({ column, psi, mean, standardisedDifference, nulls }) => [
    html`<code>${column}</code>`,
    number(psi, 4),
    number(mean.before, 5),
    number(mean.after, 5),
    standardisedDifference !== null && Math.abs(standardisedDifference) >= farStandardDeviations
      ? html`<strong class="fail">${number(standardisedDifference, 4)}: far</strong>`
      : number(standardisedDifference, 4),
    number(nulls.before),
    number(nulls.after),
    number(differs.get(column) ?? 0),
  ]);
  const rest =
    columns > shifts.length ? html`<p class="none">and ${columns - shifts.length} more, which have moved less</p>` : '';
  return html`<h3>Shift per column</h3>
    ${table(['column', 'psi', 'mean before', 'mean after', 'moved by (standard deviations)', 'nulls before', 'nulls after', 'changed rows'], rows, 'The two datasets have no column in common.')}${rest}`;
}

export function codeSection({ code, parameters, dependencies, configuration }: Evidence): Html {
  const files =
    code === null || code.files.length === 0
      ? html`<p class="none">The training code is the same as the champion’s, or there is no champion.</p>`
      : html`${code.files.map(fileView)}`;
  const numbers = code === null || code.from === null || code.from === code.to ? '' : `, ${code.from} → ${code.to}`;
  return html`<section id="code">
    <h2>Code, parameters and dependencies</h2>
    <h3>Code${numbers}</h3>
    ${files}
    <h3>Parameters</h3>
    ${values(parameters, 'The same as the champion’s.')}
    <h3>Dependencies</h3>
    ${values(dependencies, 'The same as the champion’s.')}
    <h3>Configuration</h3>
    ${values(configuration, 'The same as the champion’s.')}
  </section>`;
}

function values(differences: readonly ValueDifference[], none: string): Html {
  return table(
    ['name', 'champion', 'challenger'],
    differences.map(({ name, before, after }) => [html`<code>${name}</code>`, before ?? '–', after ?? '–']),
    none,
  );
}

function fileView({ path, change, lines }: FileDifference): Html {
  const summary = html`<summary><code>${path}</code> <span class="none">${change}</span></summary>`;
  if (lines === null)
    return html`<details>
      ${summary}
      <p class="none">The file is not text, or is too long to be shown here.</p>
    </details>`;
  const shown = lines.map((line) => html`<span class="${kindOf(line)}">${line} </span>`);
  return html`<details open>
    ${summary}
    <pre class="diff">${shown}</pre>
  </details>`;
}

function kindOf(line: string): string {
  if (line.startsWith('@@')) return 'hunk';
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same';
}

function unlabelledIn({ unlabelled }: Lineage['trained']): string {
  return unlabelled === undefined ? '' : `; ${describeUnlabelled(unlabelled)}`;
}

export function lineageSection({ lineage, approval }: Evidence): Html {
  if (lineage === null) return html``;
  const { dataset, code, configuration, modelVersion, trained, evaluation } = lineage;
  const rows = [
    [
      'Dataset',
      String(dataset.number),
      short(dataset.digest),
      `trained on ${number(trained.trainingRows)} rows ${span(trained)}, ${number(trained.holdoutRows)} held out${unlabelledIn(trained)}`,
    ],
    [
      'Code',
      String(code.number),
      short(code.digest),
      `recorded by ${code.recordedBy}${code.commit === null ? '' : `, commit ${code.commit}`}`,
    ],
    ['Configuration', String(configuration.number), short(configuration.digest), ''],
    [
      'Model version',
      String(modelVersion.number),
      short(modelVersion.artifact),
      html`training key ${short(modelVersion.trainingKey)}, seed ${modelVersion.seed}`,
    ],
    ['Evaluation', '', short(evaluation.digest), `measured in ${evaluation.environment}`],
    ['Request', '', short(approval.digest), html`run <code>${approval.runId}</code>`],
  ];
  return html`<section id="lineage">
    <h2>Lineage</h2>
    ${table(['what', 'number', 'digest', ''], rows, '')}
  </section>`;
}

/** Without `data.window`, a build reads from year 1, and then only the end is shown. */
function span({ from, to }: NonNullable<Evidence['lineage']>['trained']): string {
  return from.startsWith('0001-') ? `up to ${time(to)}` : `from ${time(from)} to ${time(to)}`;
}

export function planSection({ rollbackTarget, traffic, stops }: Evidence): Html {
  const target =
    rollbackTarget === null
      ? html`<p>There is no release to roll back to: after a rollback, nothing would serve.</p>`
      : html`<p>
          A rollback brings back version ${rollbackTarget.modelVersion}, release ${short(rollbackTarget.release)}.
        </p>`;
  const stop =
    stops.length === 0 ? '' : html`<p>The canary is rolled back automatically if ${stops.join(', or if ')}.</p>`;
  const steps = traffic.map((step) => html`<li>${step}</li>`);
  return html`<section id="plan">
    <h2>Rollback target and traffic plan</h2>
    ${target}
    <ol>
      ${steps}
    </ol>
    ${stop}
  </section>`;
}
