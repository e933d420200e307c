import type { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { Html } from '../html.ts';
import { html, table, time } from '../html.ts';

/** Renders the votes and the form to vote, which `decideScript` submits. */
export function decideSection({ approval, decide }: Evidence): Html {
  const { votes, earlierVotes, policy, status } = approval;
  const cast = votesTable(votes, 'Nobody has voted yet.');
  const wanted = `The policy requires ${policy.votes} ${policy.votes === 1 ? 'vote' : 'votes'} from principals with the role ${policy.roles.join(' or ')}; a single vote to reject rejects the request. The requester ${policy.requesterMayVote ? 'may' : 'may not'} vote. The principal who recorded the training code ${(policy.lastCommitterMayVote ?? policy.requesterMayVote) ? 'may' : 'may not'} vote.`;
  const form = html`<form id="decide-form" data-path="${decide.path}" data-digest="${decide.digest}">
      <label>Your API key <input name="key" type="password" autocomplete="off" required /></label>
      <label>Comment <textarea name="comment" rows="2" maxlength="2000"></textarea></label>
      <div class="buttons">
        <button name="decision" value="approve">Approve</button
        ><button name="decision" value="reject" class="reject">Reject</button>
      </div>
      <output role="status"></output>
    </form>
    <p class="none">To vote in a terminal: <code>perennial approve ${decide.id} --digest ${decide.digest}</code></p>`;
  return html`<section id="decide">
    <h2>Decide</h2>
    <p>${wanted}</p>
    ${cast}${earlierVotes.length === 0 ? '' : earlier(earlierVotes)}${status === 'pending' ? form : html`<p>This request is <strong>${status}</strong> and accepts no votes.</p>`}
  </section>`;
}

type Votes = Evidence['approval']['votes'];

function votesTable(votes: Votes, none: string): Html {
  const rows = votes.map((vote) => [vote.principalName, vote.decision, vote.comment, time(vote.recordedAt)]);
  return table(['who', 'decision', 'comment', 'when'], rows, none);
}

function earlier(votes: Votes): Html {
  return html`<h3>Earlier votes</h3>
    <p>
      The version was approved to replace another champion. Since then the champion has changed, so the version was
      measured against the new champion, and approval is requested again. These votes do not count for this request.
    </p>
    ${votesTable(votes, '')}`;
}

/**
 * Sends the vote with the API key that was typed in. The key is sent nowhere else and is not stored. A page that was
 * saved to a file has no server, so it shows the command to type instead.
 */
export const decideScript = `
const form = document.getElementById('decide-form');
if (form && !location.protocol.startsWith('http')) form.replaceWith('This page is a saved copy, so you cannot vote here.');
form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const output = form.querySelector('output');
  const fields = new FormData(form);
  const decision = event.submitter?.value ?? 'approve';
  for (const button of form.querySelectorAll('button')) button.disabled = true;
  output.textContent = 'Sending…';
  try {
    const answer = await fetch(location.origin + form.dataset.path, {
      method: 'POST',
      headers: { authorization: 'Bearer ' + fields.get('key'), 'content-type': 'application/json' },
      body: JSON.stringify({ decision, digest: form.dataset.digest, comment: fields.get('comment') }),
    });
    const body = await answer.json();
    output.textContent = answer.ok ? 'Your vote is recorded: ' + decision + '.' : body.detail ?? 'The vote was refused.';
    if (answer.ok) form.querySelector('[name=key]').value = '';
    for (const button of form.querySelectorAll('button')) button.disabled = answer.ok;
  } catch {
    output.textContent = 'The service does not answer; your vote is not recorded.';
    for (const button of form.querySelectorAll('button')) button.disabled = false;
  }
});
`;
