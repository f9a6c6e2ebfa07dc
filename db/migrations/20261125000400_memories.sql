-- migrate:up

-- What is to be remembered, of a space or of the whole customer, and the search in it and in what was said.
-- Decision record 0020.
set local row_security = off;

-- A text as searches compare it: lower case, without accents, one form for letters that Unicode has several of.
create function tenancy.plain_text(p_text text) returns text
language sql immutable parallel safe
return normalize(translate(replace(replace(replace(
    regexp_replace(normalize(lower(p_text), NFKD), '[\u0300-\u036f]', '', 'g'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øłđðı', 'olddi'), NFC);

-- The words of a text, in no language: a space may hold any.
create function tenancy.words_of(p_text text) returns tsvector
language sql immutable parallel safe
return to_tsvector('simple'::regconfig, tenancy.plain_text(p_text));

-- The words as they are those of one space. An index of them has a list for each word of each space: what a search costs
-- tells nothing of the words of others.
create function tenancy.words_of_space(p_space_id uuid, p_words tsvector) returns tsvector
language sql immutable parallel safe
return array_to_tsvector(array(select right(p_space_id::text, 12) || left(w, 500) from unnest(tsvector_to_array(p_words)) w));

-- What somebody has typed into a search box: words, "a phrase", or, -not. The last word may be unfinished, from three letters on.
-- Nothing of it is an error; where there is no word in it, nothing is found.
create function tenancy.search_query(p_query text) returns tsquery
language plpgsql immutable parallel safe as $$
declare
    v_plain text := left(tenancy.plain_text(p_query), 400);
    v_query text := websearch_to_tsquery('simple'::regconfig, v_plain)::text;
begin
    if v_plain ~ '(^|\s)[^-"\s][^"\s]{2,}$' and right(v_query, 1) = '''' then
        v_query := v_query || ':*';
    end if;
    return v_query::tsquery;
end
$$;

-- A text around what was found in it, marked by characters 1 and 2. Accents are marked where they were typed.
create function tenancy.snippet(p_text text, p_query text) returns text
language sql immutable parallel safe
return ts_headline('simple'::regconfig, translate(p_text, chr(1) || chr(2), ''),
    tenancy.search_query(p_query) || websearch_to_tsquery('simple'::regconfig, lower(p_query)),
    'StartSel=' || chr(1) || ', StopSel=' || chr(2) || ', MaxWords=30, MinWords=10, ShortWord=0');
grant execute on function tenancy.plain_text(text), tenancy.words_of(text), tenancy.words_of_space(uuid, tsvector), tenancy.search_query(text), tenancy.snippet(text, text)
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- Demands what members need who read and write what was said and is remembered. Keys and chats have permissions for it.
create function tenancy.permit_conversations() returns boolean
language plpgsql stable parallel safe as $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') and not tenancy.reads_as_admin() then
        raise insufficient_privilege using message = 'permission denied: conversations and memories are the admins'' business';
    end if;
    return true;
end
$$;
grant execute on function tenancy.permit_conversations() to fanfare_user, fanfare_agent, fanfare_admin;

create table memories (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- of the whole customer where it is NULL: every space reads it
    space_id uuid default tenancy.space_id(),
    text text not null,
    -- who wrote it: a member, and in a chat whoever speaks, by the platform's id
    created_by uuid default tenancy.user_id(),
    person text default tenancy.person(),
    search tsvector not null generated always as (tenancy.words_of(text)) stored,
    -- what the text means, in numbers of the model that is named. With a model and without numbers, the model refuses the text.
    -- No type of an extension, so that none is needed.
    embedding real[],
    embedding_model text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint memories_pkey primary key (customer_id, id),
    constraint memories_customer_fkey foreign key (customer_id) references customers (id),
    constraint memories_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint memories_created_by_fkey foreign key (created_by) references users (id),
    constraint memories_text_length check (char_length(text) between 1 and 4000),
    constraint memories_person_length check (char_length(person) between 1 and 200),
    constraint memories_embedding_whole check (embedding is null or embedding_model is not null),
    constraint memories_embedding_size check (array_ndims(embedding) = 1 and cardinality(embedding) between 1 and 16000),
    constraint memories_embedding_finite check (not (embedding && array['NaN', 'Infinity', '-Infinity']::real[]))
);
create index memories_by_space on memories (customer_id, space_id, id);
create index memories_by_model on memories (embedding_model, id);

create trigger memories_touch before update of text on memories for each row execute function tenancy.touch();

-- Another text means something else.
create function tenancy.follow_memory_text() returns trigger
language plpgsql as $$
begin
    new.embedding := null;
    new.embedding_model := null;
    return new;
end
$$;
create trigger memories_follow_text before update of text on memories for each row
    when (old.text <> new.text) execute function tenancy.follow_memory_text();

-- A space has 5,000 memories at most, and the whole customer as many: a search looks at each. Two that write at one moment
-- may both be the last.
create function tenancy.limit_memories() returns trigger
language plpgsql as $$
begin
    if (select count(*) from (
        select from public.memories m where m.customer_id = new.customer_id and m.space_id is not distinct from new.space_id limit 5000) x) >= 5000
    then
        raise check_violation using message = 'there are 5000 memories', constraint = 'memories_limit', table = 'memories', schema = 'public';
    end if;
    return new;
end
$$;
create trigger memories_limit before insert on memories for each row execute function tenancy.limit_memories();

alter table memories enable row level security;
alter table memories force row level security;
create policy memories_tenant on memories as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy memories_select on memories for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy memories_insert on memories for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy memories_update on memories for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
-- Erasing remains possible in an archived customer.
create policy memories_delete on memories for delete to fanfare_user using ((select tenancy.has_role('admin')));
create policy memories_admin_insert on memories for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy memories_admin_update on memories for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy memories_admin_delete on memories for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
-- In a space, its own and those of the whole customer, of which it writes its own alone. In no space, those of the whole
-- customer, and those of spaces for whoever may read all that was said there.
create policy memories_agent_select on memories for select to fanfare_agent
    using ((select tenancy.has_any_permission('memories:read', 'memories:write'))
        and (space_id is null or space_id = (select tenancy.space_id())
            or (select tenancy.space_id() is null and tenancy.has_permission('conversations:read'))));
create policy memories_agent_insert on memories for insert to fanfare_agent
    with check ((select tenancy.has_permission('memories:write'))
        and case when (select tenancy.space_id()) is not null then coalesce(space_id = (select tenancy.space_id()), false)
            else space_id is null or (select tenancy.has_permission('conversations:read')) end);
create policy memories_agent_update on memories for update to fanfare_agent
    using ((select tenancy.has_permission('memories:write'))
        and case when (select tenancy.space_id()) is not null then coalesce(space_id = (select tenancy.space_id()), false)
            else space_id is null or (select tenancy.has_permission('conversations:read')) end)
    with check ((select tenancy.has_permission('memories:write'))
        and case when (select tenancy.space_id()) is not null then coalesce(space_id = (select tenancy.space_id()), false)
            else space_id is null or (select tenancy.has_permission('conversations:read')) end);
create policy memories_agent_delete on memories for delete to fanfare_agent
    using ((select tenancy.has_permission('memories:write'))
        and case when (select tenancy.space_id()) is not null then coalesce(space_id = (select tenancy.space_id()), false)
            else space_id is null or (select tenancy.has_permission('conversations:read')) end);
create policy memories_worker_select on memories for select to fanfare_worker using (true);
create policy memories_worker_update on memories for update to fanfare_worker using (true) with check (true);
grant select, insert (id, space_id, text), update (text), delete on memories to fanfare_user, fanfare_agent, fanfare_admin;
grant select, update (embedding, embedding_model) on memories to fanfare_worker;
create policy memories_erase on memories for delete to fanfare_definer using (true);
create policy memories_definer on memories for select to fanfare_definer using (true);
grant select (ctid, customer_id, id, embedding_model), delete on memories to fanfare_definer;
-- The log outlives what is erased, so that no text is in it.
select tenancy.audit_table('memories', 'memory', 'id', '{text}', '{search,embedding,embedding_model}');

-- The memories that mean most nearly the same as what p_embedding is of, where the extension vector is installed; none where it
-- is not. Of p_space or the space that the caller acts in, and of the whole customer; of all spaces where there is neither.
-- Under the caller's policies, as every query.
create function tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) returns table (id uuid, distance double precision)
language plpgsql stable as $$
declare
    v_space uuid := coalesce(p_space_id, tenancy.space_id());
    v_schema text := (
        select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'vector' and pg_catalog.has_schema_privilege(n.oid, 'usage'));
begin
    if v_schema is null then
        return;
    end if;
    return query execute format('
        select m.id, (m.embedding::%1$I.vector operator(%1$I.<=>) $1::%1$I.vector)::double precision
        from public.memories m
        where m.embedding_model = $2 and cardinality(m.embedding) = cardinality($1) and %2$s
        order by 2, 1
        limit $4', v_schema, case when v_space is null then 'true' else '(m.space_id = $3 or m.space_id is null)' end)
        using p_embedding, p_model, v_space, p_limit;
end
$$;
grant execute on function tenancy.nearest_memories(uuid, real[], text, integer) to fanfare_user, fanfare_agent, fanfare_admin;

-- Memories of all customers but archived ones whose meaning in numbers of the model is not known yet.
create function tenancy.memories_to_embed(p_model text, p_limit integer) returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select m.customer_id, m.id
    from (
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model is null and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)
        union all
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model < p_model and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)
        union all
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model > p_model and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)) m
    limit p_limit;
end
$$;
revoke execute on function tenancy.memories_to_embed(text, integer) from public;
grant execute on function tenancy.memories_to_embed(text, integer) to fanfare_worker;
alter function tenancy.memories_to_embed(text, integer) owner to fanfare_definer;

-- What was said is searched as memories are.
alter table messages add column search tsvector not null generated always as (tenancy.words_of(text)) stored;
create index messages_words on messages using gin (tenancy.words_of_space(space_id, search));
grant select (id, space_id, search) on messages to fanfare_definer;
grant execute on function tenancy.reads_as_admin() to fanfare_definer;

-- The newest messages of a space, before p_before, in which p_query finds something. A definer's, because a match is not
-- leakproof: under the policies every message of the space would be looked at. It looks for what they let the caller read, and
-- answers ids, which the caller reads under them. What is said often is among the newest; what is not, the index knows.
create function tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) returns table (id uuid)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
    v_query tsquery := tenancy.search_query(p_query);
    v_indexable text := querytree(v_query);
    v_in_space tsquery;
    v_found uuid[];
begin
    if (case when tenancy.token_id() is null and tenancy.key_id() is null and tenancy.space_person_id() is null then tenancy.reads_as_admin()
        when v_space is null then tenancy.has_permission('conversations:read')
        else v_space = p_space_id and tenancy.has_any_permission('conversations:read', 'memories:read') end) is not true
    then
        return;
    end if;
    v_found := array(
        select x.id
        from (
            select m.id, m.search from public.messages m
            where m.customer_id = v_customer and m.space_id = p_space_id and m.id < p_before
            order by m.id desc
            limit 2000) x
        where x.search @@ v_query
        order by x.id desc
        limit p_limit);
    if cardinality(v_found) >= p_limit then
        return query select unnest(v_found);
    elsif v_indexable in ('', 'T') then -- there is nothing in it that must be there
        return query
        select m.id from public.messages m
        where m.customer_id = v_customer and m.space_id = p_space_id and m.id < p_before and m.search @@ v_query
        order by m.id desc
        limit p_limit;
    else
        -- a phrase has its words, each of this space
        v_in_space := regexp_replace(regexp_replace(v_indexable, '<(-|\d+)>', '&', 'g'), '''((?:[^'']|'''')*)''', '''' || right(p_space_id::text, 12) || '\1''', 'g')::tsquery;
        -- planned anew each time, for these words
        return query execute '
            with found as materialized (
                select m.id from public.messages m
                where m.customer_id = $1 and m.space_id = $2 and m.id < $3 and tenancy.words_of_space(m.space_id, m.search) @@ $4 and m.search @@ $5)
            select f.id from found f
            order by f.id desc
            limit $6'
            using v_customer, p_space_id, p_before, v_in_space, v_query, p_limit;
    end if;
end
$$;
revoke execute on function tenancy.find_messages(uuid, text, uuid, integer) from public;
grant execute on function tenancy.find_messages(uuid, text, uuid, integer) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.find_messages(uuid, text, uuid, integer) owner to fanfare_definer;

-- That messages were deleted is recorded, and not what they said.
create function tenancy.audit_deleted_messages() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    r record;
begin
    for r in select o.customer_id, o.space_id, count(*) as n from old_rows o group by o.customer_id, o.space_id loop
        perform tenancy.audit_event(r.customer_id, 'message.delete', 'space', r.space_id::text, jsonb_build_object('count', r.n));
    end loop;
    return null;
end
$$;
revoke execute on function tenancy.audit_deleted_messages() from public;
-- but for the erasure of a customer, with which the log goes
create trigger messages_audit_delete after delete on messages referencing old table as old_rows
    for each statement when (current_user <> 'fanfare_definer') execute function tenancy.audit_deleted_messages();
alter function tenancy.audit_deleted_messages() owner to fanfare_definer;

-- Whether there is such a space for the caller: not everybody who may read what was said may read spaces.
create function tenancy.has_space(p_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (select from public.spaces s where s.customer_id = tenancy.customer_id() and s.id = p_id)
        and (tenancy.space_id() is null or tenancy.space_id() = p_id);
end
$$;
revoke execute on function tenancy.has_space(uuid) from public;
grant execute on function tenancy.has_space(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.has_space(uuid) owner to fanfare_definer;

-- migrate:down
drop function tenancy.has_space(uuid);
drop trigger messages_audit_delete on messages;
drop function tenancy.audit_deleted_messages();
drop function tenancy.find_messages(uuid, text, uuid, integer);
revoke execute on function tenancy.reads_as_admin() from fanfare_definer;
revoke select (id, space_id, search) on messages from fanfare_definer;
alter table messages drop column search;
drop function tenancy.memories_to_embed(text, integer);
drop function tenancy.nearest_memories(uuid, real[], text, integer);
drop table memories;
drop function tenancy.limit_memories();
drop function tenancy.follow_memory_text();
drop function tenancy.permit_conversations();
drop function tenancy.snippet(text, text);
drop function tenancy.search_query(text);
drop function tenancy.words_of_space(uuid, tsvector);
drop function tenancy.words_of(text);
drop function tenancy.plain_text(text);
