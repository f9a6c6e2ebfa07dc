-- What the entered caller is and may do, as entering has found it. No table is asked, so whoever may enter at all is answered. The id
-- of nothing is all zeros.
-- name: AccessGet :one
select (case when tenancy.token_id() is not null then 'agent_token' when tenancy.key_id() is not null then 'api_key'
        when tenancy.space_person_id() is not null then 'chat' else 'person' end)::text as kind,
    coalesce(tenancy.token_id(), tenancy.key_id(), tenancy.user_id(), '00000000-0000-0000-0000-000000000000')::uuid as id,
    coalesce(case when coalesce(tenancy.token_id(), tenancy.key_id(), tenancy.space_person_id()) is not null then (tenancy.customer_ids())[1] end,
        '00000000-0000-0000-0000-000000000000')::uuid as customer_id,
    coalesce(tenancy.space_id(), '00000000-0000-0000-0000-000000000000')::uuid as space_id,
    tenancy.permissions()::text[] as permissions;
