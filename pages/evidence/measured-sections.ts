import type { Evidence } from '../../contracts/serving/approval-evidence.ts';
import { isBetterWhenSmall, metricNames, metricOf } from '../../contracts/models/metrics.ts';
import { calibrationPlot, intervalPlot } from './plots.ts';
import type { Html, HtmlPart } from '../html.ts';
import { html, number, percent, table, time } from '../html.ts';

const mostSlices = 20;

/** Renders the verdict, value, threshold and sample size of each gate. */
export function gatesSection({ gates }: Evidence): Html {
  const rows = gates.map(({ gate, verdict, value, threshold, n, reason }) => [
    gate,
    html`<span class="verdict ${verdict}">${verdict}</span>`,
    number(value),
    number(threshold),
    number(n),
    reason,
  ]);
  return html`<section id="gates">
    <h2>Gates</h2>
    ${table(['gate', 'verdict', 'value', 'threshold', 'n', 'reason'], rows, 'The configuration has no gates: the votes are the only check of this version.')}
  </section>`;
}

export function comparisonSection({ comparison, approval }: Evidence): Html {
  const { metric, challenger, champion, challengerInterval, gain, gainInterval, measuredOf } = comparison;
  const rows = metricNames[challenger.task].flatMap((name): HtmlPart[][] => {
    const ours = metricOf(challenger, name);
    const theirs = champion === null ? null : metricOf(champion, name);
    if (ours === null && theirs === null) return [];
    const better = ours !== null && theirs !== null && ours !== theirs && ours < theirs === isBetterWhenSmall(name);
    const mark =
      ours === null || theirs === null || ours === theirs
        ? ''
        : better
          ? html`<span class="pass">better</span>`
          : html`<span class="fail">worse</span>`;
    const shown =
      name === metric && challengerInterval !== null
        ? ` [${number(challengerInterval.low, 5)}, ${number(challengerInterval.high, 5)}]`
        : '';
    return [[name === metric ? html`<strong>${name}</strong>` : name, number(theirs), `${number(ours)}${shown}`, mark]];
  });
  const before = approval.championVersion === null ? 'champion: none' : `champion: version ${approval.championVersion}`;
  const refit =
    measuredOf === undefined
      ? ''
      : `, with version ${measuredOf}: version ${approval.modelVersion} is its refit, which was trained on these rows too, so it cannot be measured on them`;
  const gained =
    gain === null
      ? html`<p class="none">
          The gain is unknown:
          ${approval.championVersion === null ? 'there is no champion yet' : 'the comparison is inconclusive'}.
        </p>`
      : html`<p>
            Gain in ${metric} over the champion: <strong>${percent(gain)}</strong>${
              gainInterval === null
                ? ''
                : html`, between ${percent(gainInterval.low)} and ${percent(gainInterval.high)} at confidence
                  ${gainInterval.confidence}`
            }.
            A gain above zero is better.
          </p>
          ${gainInterval === null ? '' : intervalPlot(gain, gainInterval)}`;
  return html`<section id="comparison">
    <h2>Champion and challenger</h2>
    <p>Measured by the platform on the same ${number(challenger.rows)} held-out rows${refit}.</p>
    ${table(['metric', before, `challenger: version ${measuredOf ?? approval.modelVersion}${challengerInterval === null ? '' : ` [interval at ${challengerInterval.confidence}]`}`, ''], rows, 'Nothing was measured.')}
    ${gained}
  </section>`;
}

export function slicesSection({ slices, comparison }: Evidence): Html {
  const { metric } = comparison;
  const rows = slices
    .slice(0, mostSlices)
    .map(({ slice, rows: n, challenger, champion }) => [slice, number(n), number(champion), number(challenger)]);
  const more =
    slices.length > mostSlices
      ? html`<p class="none">and ${slices.length - mostSlices} more with better values</p>`
      : '';
  return html`<section id="slices">
    <h2>Worst slices</h2>
    ${table(['slice', 'rows', `champion ${metric}`, `challenger ${metric}`], rows, 'No gate checks slices; add one with slice: COLUMN in build.gates.')}${more}
  </section>`;
}

export function calibrationSection({ calibration }: Evidence): Html {
  if (calibration === null)
    return html`<section id="calibration">
      <h2>Calibration</h2>
      <p class="none">The model does not predict probabilities of two classes, so there is no calibration to show.</p>
    </section>`;
  const rows = calibration.challenger.map(({ predicted, observed, rows: n }) => [
    number(predicted, 3),
    number(observed, 3),
    number(n),
  ]);
  return html`<section id="calibration">
    <h2>Calibration</h2>
    <p>
      Each point shows rows with similar predicted probabilities: their mean prediction, and the share of them that is
      positive. A calibrated model lies on the diagonal.
    </p>
    ${calibrationPlot(calibration)} ${table(['mean predicted', 'observed', 'rows'], rows, 'Nothing was measured.')}
  </section>`;
}

export function changedRowsSection({ changedRows, approval, comparison }: Evidence): Html {
  const title = changedRows?.kind === 'flip' ? 'Rows whose decision flips' : 'Rows whose prediction changes most';
  if (changedRows === null) {
    const why =
      approval.championVersion === null
        ? 'There is no champion yet, so no prediction changes.'
        : 'These rows are missing from this evidence; the reason is given below.';
    return html`<section id="changed-rows">
      <h2>${title}</h2>
      <p class="none">${why}</p>
    </section>`;
  }
  const { kind, compared, changed, meanDifference, rows } = changedRows;
  const names = Object.keys(rows[0]?.features ?? {});
  const cell = (value: string | number | boolean | null) =>
    typeof value === 'number' ? number(value) : value === null ? '–' : String(value);
  const body = rows.map((row) => [
    [
      row.at === null ? '' : time(row.at),
      row.at !== null && row.key !== null ? ' · ' : '',
      row.key === null ? '' : String(row.key),
    ],
    cell(row.truth),
    cell(row.champion),
    html`<strong>${cell(row.challenger)}</strong>`,
    ...names.map((name) => cell(row.features[name] ?? null)),
  ]);
  const summary =
    kind === 'flip'
      ? `${number(changed)} of ${number(compared)} held-out rows would get a different decision (${percent(compared === 0 ? 0 : changed / compared)}).`
      : `${number(changed)} of ${number(compared)} held-out rows would get a different prediction; the mean difference over all rows is ${number(meanDifference, 4)}.`;
  // Older evidence lacks `challengerTrainedOn`. In it, `measuredOf` is present only for a refit, which was trained on
  // these rows.
  const isTrainedOn = changedRows.challengerTrainedOn ?? comparison.measuredOf !== undefined;
  const refit = isTrainedOn
    ? html`<p>
        Version ${approval.modelVersion} is a refit and was trained on these rows: the changes show what it has learnt
        from them, and say nothing about how well it will predict other rows.
      </p>`
    : '';
  return html`<section id="changed-rows">
    <h2>${title}</h2>
    <p>${summary}</p>
    ${refit}
    ${table(['row', 'truth', 'champion', 'challenger', ...names], body, 'Every row would get the same prediction as today.')}
  </section>`;
}
