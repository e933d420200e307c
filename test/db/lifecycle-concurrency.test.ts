import { eq, sql } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders } from '../../contracts/runs/lifecycle-plan.ts';
import { lockApproval } from '../../db/approvals/approval-rows.ts';
import { transact, type Transaction } from '../../db/connection/connect.ts';
import { lockModel } from '../../db/connection/repository-context.ts';
import { lockRun } from '../../db/runs/run-rows.ts';
import { triggers } from '../../db/lifecycle/lifecycle-tables.ts';
import { seedApproval } from '../support/seed-candidate.ts';
import {
  entriesOf,
  freshScope,
  layDeploymentGround,
  seedCandidate,
  type DeploymentGround,
} from './deployment-ground.ts';

let ground: DeploymentGround;

beforeAll(async () => {
  ground = await layDeploymentGround();
});

afterAll(() => ground?.end());

async function trigger(scope: Scope, fingerprint: string, kind: 'manual' | 'drift' = 'manual'): Promise<void> {
  const body = { kind: 'trigger', schemaVersion: 1, trigger: kind, reason: 'a test', fingerprint } as const;
  await ground.repositories.lifecycle.submit(scope, body, ground.by);
}

function advance(scope: Scope): Promise<LifecycleOrders> {
  return ground.repositories.lifecycle.advance(scope, planLifecycle);
}

test('twenty concurrent checks act once', async () => {
  const scope = await freshScope(ground);
  for (let i = 0; i < 5; i += 1) await trigger(scope, `${i}`);
  const looks = await Promise.all(Array.from({ length: 20 }, () => advance(scope)));
  expect(new Set(looks.flatMap((orders) => orders.start.map((order) => order.runId))).size).toBe(1);
  const runs = await ground.repositories.runs.unfinished(scope);
  expect(runs).toHaveLength(1);
  const rows = await ground.context.db.select().from(triggers).where(eq(triggers.modelId, scope.modelId));
  expect(rows.map((row) => [row.status, row.runId])).toEqual(rows.map(() => ['consumed', runs[0]!.id]));
  expect(await entriesOf(ground, scope, 'trigger.recorded')).toHaveLength(5);
  expect((await ground.repositories.ledger.verify(scope.modelId)).problem).toBeNull();
});

test('a check that waits for a run or an approval does not hold the ledger, so no deadlock is possible', async () => {
  const scope = await freshScope(ground);
  const seeded = await seedCandidate(ground, scope, 1);
  const { approval, runId } = await seedApproval(ground.repositories, scope, ground.by, seeded);
  const holding: ((tx: Transaction) => Promise<unknown>)[] = [
    (tx) => lockRun(tx, runId),
    (tx) => lockApproval(tx, approval.id),
  ];
  for (const [i, hold] of holding.entries()) {
    // The trigger comes first and writes the ledger. The cancel and the newer request then need what the other
    // transaction holds.
    await trigger(scope, `${i}`, 'drift');
    await ground.repositories.lifecycle.submit(
      scope,
      { kind: 'cancel', schemaVersion: 1, runId, reason: 'not wanted' },
      ground.by,
    );
    let look: Promise<LifecycleOrders> | undefined;
    await transact(ground.context.db, async (tx) => {
      await tx.execute(sql`set local lock_timeout = '500ms'`);
      await hold(tx);
      look = advance(scope);
      await somebodyWaits();
      await lockModel(tx, scope.modelId);
    });
    await look;
  }
});

async function somebodyWaits(): Promise<void> {
  const waiting = sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await ground.context.db.execute(waiting)).rows.length === 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
