import { sql } from '../connection/orm.ts';
import type { ReferenceRepository } from '../../ports/repositories/reference-repository.ts';
import { query } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { letGo } from './mark-reachable.ts';

/** Each version with the digests of all bytes needed to read it. */
const named = sql`
  select id, model_id, 'dataset' as noun, number, digest as sha256 from dataset_versions
  union all select id, model_id, 'dataset', number, part ->> 'sha256'
    from dataset_versions, jsonb_array_elements(manifest -> 'parts') part
  union all select id, model_id, 'code', number, digest from code_versions
  union all select id, model_id, 'code', number, manifest ->> 'archive' from code_versions
  union all select id, model_id, 'code', number, manifest -> 'environment' ->> 'lock' from code_versions
    where manifest -> 'environment' ->> 'resolvedFrom' is not null
  union all select t.id, t.model_id, 'version', t.number, kept.sha256
    from model_versions t, lateral (
      select t.artifact as sha256 union all select t.reference
      union all select file ->> 'sha256' from jsonb_array_elements(t.files) file) kept
    where not (${letGo(sql`t.id`)})`;

export function createReferenceRepository({ db }: RepositoryContext): ReferenceRepository {
  return {
    list: (after, limit) =>
      query(db, async () => {
        const { rows } = await db.execute<Row>(sql`
          select page.sha256, m.project, m.name as model, page.noun, page.number, array(
            select e.environment from model_environments e
            where e.model_id = page.model_id and (e.dataset_version_id = page.id or e.code_version_id = page.id or exists (
              select 1 from generations g, jsonb_array_elements(g.slots) slot join releases r on r.id = (slot ->> 'releaseId')::uuid
              where g.model_id = e.model_id and g.environment = e.environment and g.generation = e.generation
                and page.id in (r.model_version_id, r.dataset_version_id, r.code_version_id)))
            order by e.environment) as used_in
          from (
            select distinct on (sha256) sha256, id, model_id, noun, number from (${named}) named
            where sha256 > ${after ?? ''} order by sha256, number desc limit ${limit}) page
          join models m on m.id = page.model_id
          order by page.sha256`);
        return rows.map(({ sha256, project, model, noun, number, used_in }) => ({
          sha256,
          project,
          model,
          version: `${noun} ${number}`,
          usedIn: used_in,
        }));
      }),
  };
}

interface Row extends Record<string, unknown> {
  readonly sha256: string;
  readonly project: string;
  readonly model: string;
  readonly noun: string;
  readonly number: number;
  readonly used_in: readonly string[];
}
