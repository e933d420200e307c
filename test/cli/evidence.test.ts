import { expect, test } from 'vitest';
import { evidenceDocument } from '../../pages/evidence/evidence-document.ts';
import { describeApproval, describeEvaluation } from '../../cli/views/evidence-view.ts';
import { signedColours } from '../../cli/views/colours.ts';
import { Output } from '../../cli/output.ts';
import { exampleApproval, exampleDetails } from '../api/evidence-example.ts';

const { stdout, stderr } = process;
const output = new Output({ json: false, noColour: true, dumb: true, stdout, stderr });

test('slices are sorted worst first, for metrics where lower is better and for those where higher is better', () => {
  const { evaluation } = exampleApproval.evidence;
  const order = (metric: string) =>
    describeEvaluation(output, { ...evaluation, metric }, output.colours).match(/workingday = \d/g);
  expect(order('rmse')).toEqual(['workingday = 0', 'workingday = 1']);
  // For r2, 1 − 101.6/190 is the lower value of the two slices.
  expect(order('r2')).toEqual(['workingday = 0', 'workingday = 1']);
  const better = evaluation.slices.map((slice) => ({ ...slice, challenger: { ...slice.challenger, r2: 0.9 } }));
  const [other, ...rest] = evaluation.slices;
  const mixed = { ...evaluation, metric: 'r2', slices: [...better.slice(1), other!, ...rest.slice(1)] };
  expect(describeEvaluation(output, mixed, output.colours).match(/workingday = \d/g)).toEqual([
    'workingday = 1',
    'workingday = 0',
  ]);
});

test('warnings are yellow, and come before the plan and the numbers', () => {
  const colours = signedColours(true);
  const document = evidenceDocument(exampleApproval, exampleDetails, 'bo');
  const [, second] = describeApproval(output, exampleApproval, document, colours).split('\n');
  expect(second).toBe(colours.yellow('warning: temp moved by 212 standard deviations'));
});

test('the terminal shows the votes for an earlier request, and that they do not count', () => {
  const document = evidenceDocument(exampleApproval, exampleDetails, 'bo');
  expect(describeApproval(output, exampleApproval, document, output.colours)).toMatch(
    /since these votes, which no longer count:\n {2}bea: approve, "better than version 4"$/,
  );
});

test('the terminal shows the rows and columns that changed, and what could not be compared', () => {
  const shown = (details: typeof exampleDetails) =>
    describeApproval(output, exampleApproval, evidenceDocument(exampleApproval, details, 'bo'), output.colours);
  expect(shown(exampleDetails)).toMatch(
    /dataset 8 → 9: 12890 → 13610 rows; 720 added, 0 removed, 3 changed, 12887 unchanged\n.*psi.*\ntemp +0\.0412 /,
  );
  const { compared: _compared, ...data } = exampleDetails.data;
  expect(shown({ ...exampleDetails, data, missing: ['the data row by row: no key'] })).toMatch(
    /data: dataset 8 → 9\nmissing: the data row by row: no key\n/,
  );
});
