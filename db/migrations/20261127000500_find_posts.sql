-- migrate:up
set local row_security = off;

-- Posts by their words. An index has the words of the whole installation, each with the end of its customer's id, so that a
-- search looks at no list of another's: see tenancy.words_of_space.

-- The words of a post: of its title, and of its text up to here. A tsvector holds no more than a megabyte.
create function tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) returns tsvector
language sql immutable parallel safe cost 1000
return tenancy.words_of_space(p_customer_id, tenancy.words_of(left(p_title || ' ' || p_text, 20000)));
grant execute on function tenancy.words_of_post(uuid, text, text) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- What is to be found in a customer's posts: all the words, of which the last may be unfinished from its third letter on. NULL:
-- there is no word in it.
create function tenancy.post_query(p_customer_id uuid, p_words text) returns tsquery
language plpgsql immutable parallel safe as $$
declare
    v_plain text := left(tenancy.plain_text(p_words), 400);
    v_query text := plainto_tsquery('simple', v_plain)::text;
begin
    if v_query = '' then
        return null;
    end if;
    v_query := regexp_replace(regexp_replace(v_query, '<(-|\d+)>', '&', 'g'), '''((?:[^'']|'''')*)''', '''' || right(p_customer_id::text, 12) || '\1''', 'g');
    return (v_query || case when v_plain ~ '[^\s]{3}$' then ':*' else '' end)::tsquery;
end
$$;
grant execute on function tenancy.post_query(uuid, text) to fanfare_definer;

-- The ids of the entered customer's posts that the caller may read and that fit all that is asked for (NULL: it does not
-- matter), in their order: the newest first, or, by time, those with a time, the latest first. A definer's, since a match has
-- no index under policies; whoever calls it reads the posts under them. Planned anew each time, for what is asked.
create function tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid,
    p_by_time boolean, p_before_time timestamptz, p_before uuid, p_limit integer) returns table (id uuid)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
    v_query tsquery := tenancy.post_query(v_customer, p_words);
    v_accounts uuid[];
begin
    if (p_words is not null and v_query is null) or (v_space <> p_space_id) is true
        or ((tenancy.key_id() is not null or tenancy.token_id() is not null or tenancy.space_person_id() is not null)
            and tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish') is not true)
    then
        return;
    end if;
    if p_platform is not null or p_integration_id is not null then
        v_accounts := array(
            select i.id from public.integrations i
            where i.customer_id = v_customer and (p_platform is null or i.platform = p_platform) and (p_integration_id is null or i.id = p_integration_id));
    end if;
    return query execute case when v_query is null then '' else '
            with found as materialized (
                select p.customer_id, p.id, p.campaign_id, p.state, p.space_id, p.scheduled_at from public.posts p
                where tenancy.words_of_post(p.customer_id, p.title, p.text) @@ $9)' end || '
        select p.id
        from ' || case when v_query is null then 'public.posts' else 'found' end || ' p
        where p.customer_id = $1'
        || case when p_campaign_id is null then '' else ' and p.campaign_id = $2' end
        || case when p_states is null then '' else ' and p.state = any ($3)' end
        || case when v_accounts is null then '' else ' and exists (
            select from public.platform_posts pp where pp.customer_id = p.customer_id and pp.post_id = p.id and pp.integration_id = any ($4))' end
        || case when coalesce(v_space, p_space_id) is null then '' else ' and p.space_id = $5' end
        || case when p_by_time is not true then ' and p.id < $7 order by p.id desc' else ' and p.scheduled_at is not null'
            || case when p_before_time is null then '' else ' and (p.scheduled_at, p.id) < ($6, $7)' end || ' order by p.scheduled_at desc, p.id desc' end
        || ' limit $8'
        using v_customer, p_campaign_id, p_states, v_accounts, coalesce(v_space, p_space_id), p_before_time, p_before, p_limit, v_query;
end
$$;
revoke execute on function tenancy.find_posts(text, uuid, text[], text, uuid, uuid, boolean, timestamptz, uuid, integer) from public;
grant execute on function tenancy.find_posts(text, uuid, text[], text, uuid, uuid, boolean, timestamptz, uuid, integer) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.find_posts(text, uuid, text[], text, uuid, uuid, boolean, timestamptz, uuid, integer) owner to fanfare_definer;

-- migrate:down

drop function tenancy.find_posts(text, uuid, text[], text, uuid, uuid, boolean, timestamptz, uuid, integer);
drop function tenancy.post_query(uuid, text);
drop function tenancy.words_of_post(uuid, text, text);
