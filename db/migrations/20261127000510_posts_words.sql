-- migrate:up transaction:false

create index concurrently posts_words on posts using gin (tenancy.words_of_post(customer_id, title, text));

-- migrate:down transaction:false

drop index concurrently posts_words;
