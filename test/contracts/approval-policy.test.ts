import { expect, it } from 'vitest';
import { isAsStrict, strictestPolicy } from '../../contracts/serving/approval-policy.ts';
import type { ApprovalPolicy } from '../../contracts/serving/environment.ts';

const own: ApprovalPolicy = { votes: 1, roles: ['approver'], requesterMayVote: false, expires: '72h' };

it('without a minimum the model’s own policy applies', () => {
  expect(strictestPolicy(own, null)).toEqual(own);
});

it.each([
  ['the larger number of votes, of the model', { votes: 2 }, {}, { votes: 2 }],
  ['the larger number of votes, of the minimum', {}, { votes: 3 }, { votes: 3 }],
  ['one policy forbids the requester to vote', { requesterMayVote: true }, {}, { requesterMayVote: false }],
  [
    'both policies let the requester vote',
    { requesterMayVote: true },
    { requesterMayVote: true },
    { requesterMayVote: true },
  ],
  ['the shorter time, of the minimum', { expires: '3 days' }, { expires: '71h' }, { expires: '71h' }],
  ['the shorter time, of the model', { expires: '1h' }, { expires: '1 day' }, { expires: '1h' }],
  [
    'the roles with the stronger weakest role, of the minimum',
    { roles: ['approver'] },
    { roles: ['admin'] },
    { roles: ['admin'] },
  ],
  [
    'the roles with the stronger weakest role, of the model',
    { roles: ['admin'] },
    { roles: ['approver'] },
    { roles: ['admin'] },
  ],
  [
    'one weak role among strong ones',
    { roles: ['operator', 'admin'] },
    { roles: ['approver'] },
    { roles: ['approver'] },
  ],
] as const)('the stricter rule applies: %s', (_, mine, minimum, expected) => {
  const given = (change: object): ApprovalPolicy => ({ ...own, ...change });
  expect(strictestPolicy(given(mine), given(minimum))).toEqual({ ...own, ...expected });
});

it('each rule is compared separately, so neither policy has to be stricter as a whole', () => {
  const minimum: ApprovalPolicy = { votes: 2, roles: ['operator'], requesterMayVote: true, expires: '100h' };
  expect(strictestPolicy(own, minimum)).toEqual({ ...own, votes: 2 });
});

it('unless a policy says otherwise, the last committer may vote if the requester may', () => {
  const both: ApprovalPolicy = { ...own, requesterMayVote: true };
  expect(strictestPolicy(both, both)).toEqual(both);
  expect(strictestPolicy(both, { ...both, lastCommitterMayVote: false })).toMatchObject({
    lastCommitterMayVote: false,
  });
  expect(strictestPolicy({ ...own, lastCommitterMayVote: true }, own)).toMatchObject({ lastCommitterMayVote: false });
  expect(strictestPolicy({ ...own, lastCommitterMayVote: true }, both)).toMatchObject({ lastCommitterMayVote: true });
});

it.each([
  [{}, {}, true],
  [{ votes: 2 }, {}, true],
  [{}, { votes: 2 }, false],
  [{ roles: ['admin'] }, {}, true],
  [{}, { roles: ['admin'] }, false],
  [{ requesterMayVote: true }, {}, false],
  [{}, { requesterMayVote: true }, true],
  [{ expires: '1h' }, {}, true],
  [{}, { expires: '1h' }, false],
  [{ lastCommitterMayVote: true }, {}, false],
] satisfies [Partial<ApprovalPolicy>, Partial<ApprovalPolicy>, boolean][])(
  'a policy with %j is as strict as one with %j: %j',
  (given, required, expected) => {
    expect(isAsStrict({ ...own, ...given }, { ...own, ...required })).toBe(expected);
  },
);
