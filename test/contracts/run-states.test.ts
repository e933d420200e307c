import { expect, test } from 'vitest';
import { finalStates, isFinal, RunState, runStates, unfinishedStates } from '../../contracts/runs/run.ts';

test('every state of a run is either unfinished or final', () => {
  expect(runStates.toSorted()).toEqual(RunState.options.map(({ shape }) => shape.state.value).toSorted());
  expect(runStates.filter(isFinal)).toEqual(finalStates);
  expect(unfinishedStates.filter(isFinal)).toEqual([]);
});
