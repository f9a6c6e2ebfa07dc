-- migrate:up

-- A name that people give says something: one of nothing but white space is a link that nobody sees. Triggers, since a check, also one that is not valid, would be asked
-- again whatever changes in a row: a row that has such a name from before keeps it until it is given another.
set local row_security = off;

create function tenancy.guard_name() returns trigger
language plpgsql as $$
begin
    -- white space of Unicode and what joins or turns letters, whatever the database's locale is
    if new.name ~ '[^\s\u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]' or tg_op = 'UPDATE' and new.name = old.name then
        return new;
    end if;
    raise check_violation using message = 'the name is nothing but white space',
        constraint = tg_table_name || '_name_not_blank', table = tg_table_name, schema = 'public';
end
$$;

create trigger customers_name_not_blank before insert or update of name on customers for each row execute function tenancy.guard_name();
create trigger campaigns_name_not_blank before insert or update of name on campaigns for each row execute function tenancy.guard_name();
create trigger api_keys_name_not_blank before insert or update of name on api_keys for each row execute function tenancy.guard_name();
create trigger agent_tokens_name_not_blank before insert or update of name on agent_tokens for each row execute function tenancy.guard_name();
create trigger email_templates_name_not_blank before insert or update of name on email_templates for each row execute function tenancy.guard_name();
create trigger mcp_servers_name_not_blank before insert or update of name on mcp_servers for each row execute function tenancy.guard_name();
-- What lets into an MCP server is called what that is called.
create trigger credentials_name_not_blank before insert or update of name on credentials for each row
    when (new.kind = 'llm') execute function tenancy.guard_name();

-- migrate:down

drop trigger customers_name_not_blank on customers;
drop trigger campaigns_name_not_blank on campaigns;
drop trigger api_keys_name_not_blank on api_keys;
drop trigger agent_tokens_name_not_blank on agent_tokens;
drop trigger email_templates_name_not_blank on email_templates;
drop trigger mcp_servers_name_not_blank on mcp_servers;
drop trigger credentials_name_not_blank on credentials;
drop function tenancy.guard_name();
