-- migrate:up
set local row_security = off;

-- Customers and spaces that were there before workspaces. By itself, since it may take a while: whatever is made meanwhile has its own from the trigger.
-- The definer's policies let it see all of them.
set local row_security = on;
set local role fanfare_definer;
insert into public.workspaces (customer_id, id) select c.id, gen_random_uuid() from public.customers c on conflict do nothing;
insert into public.workspaces (customer_id, id, space_id) select s.customer_id, gen_random_uuid(), s.id from public.spaces s on conflict do nothing;
reset role;
set local row_security = off;

-- After that, so that the log does not tell of each.
select tenancy.audit_table('workspaces', 'workspace', 'id', '{}', '{bytes,entries,measured_at,last_used_at,wanted_at,archive_asked_on,archive_asked}');

-- migrate:down
drop trigger audit_insert on workspaces;
drop trigger audit_update on workspaces;
drop trigger audit_delete on workspaces;
set local role fanfare_definer;
delete from public.workspaces;
reset role;
