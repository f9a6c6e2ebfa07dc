-- migrate:up

-- A route of the earlier service asks with a code and a chat whether the two are paired.
set local row_security = off;

-- What has become of a code of the entered customer in a Telegram chat: paired, waiting (it was typed there, and nobody has
-- confirmed it) or unknown. It tells only of codes that the chat has used, so that guesses find none that is open, and it
-- changes nothing: which chat it is, is what Telegram has said.
create function tenancy.pairing_state_of_code(p_code text, p_chat text) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
    v_state text;
begin
    perform tenancy.permit_pairing();
    select case when p.state = 'done' then 'paired' else 'waiting' end into v_state
    from public.pairings p
        left join public.spaces s on s.customer_id = p.customer_id and s.id = p.space_id
    where p.customer_id = tenancy.customer_id() and p.platform = 'telegram' and p_chat in (p.external_id, s.external_id)
        and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8'))
        and (p.state = 'done' and s.ended_at is null or p.state = 'claimed' and p.expires_at > now())
    order by p.created_at desc
    limit 1;
    return coalesce(v_state, 'unknown');
end
$$;
revoke execute on function tenancy.pairing_state_of_code(text, text) from public;
grant execute on function tenancy.pairing_state_of_code(text, text) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.pairing_state_of_code(text, text) owner to fanfare_definer;
grant execute on function tenancy.permit_pairing() to fanfare_definer;
grant select (created_at, space_id) on pairings to fanfare_definer;

-- migrate:down
revoke select (created_at, space_id) on pairings from fanfare_definer;
revoke execute on function tenancy.permit_pairing() from fanfare_definer;
drop function tenancy.pairing_state_of_code(text, text);
