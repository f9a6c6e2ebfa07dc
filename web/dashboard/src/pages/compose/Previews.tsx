import { Group, SegmentedControl, Stack, Text, Title } from "@mantine/core";
import { IconEye } from "@tabler/icons-react";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { MediaThumb } from "../../components/MediaThumb";
import { Platform, platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { formatTime } from "../../lib/time";
import { useCustomer } from "../../shell/customer";
import { mediaOf, textOf, type Account, type Draft, type Variant } from "./model";
import classes from "./Previews.module.css";

interface Shown {
  customerId: string;
  account: Account;
  draft: Draft;
  variant: Variant;
  text: string;
  /** The ids of its files. */
  media: string[];
}

/** What the post will look like, on each account. */
export function Previews({ customerId, draft, accounts, place, setPlace }: { customerId: string; draft: Draft; accounts: Account[]; place: string; setPlace: (place: string) => void }) {
  const { t } = useTranslation("composer");
  const shown = accounts.find((account) => account.id === place) ?? accounts[0];
  const variant = draft.platforms.find((one) => one.integration_id === shown?.id);
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <IconEye size={16} aria-hidden />
        <Title order={2}>{t("preview.title")}</Title>
      </Group>
      {shown === undefined || variant === undefined ? (
        <Text size="sm" c="dimmed">
          {t("preview.none")}
        </Text>
      ) : (
        <>
          {accounts.length > 1 && (
            <SegmentedControl
              aria-label={t("preview.title")}
              value={shown.id}
              onChange={setPlace}
              style={{ flexWrap: "wrap" }}
              data={accounts.map((account) => ({ value: account.id, label: <span title={account.name} style={{ display: "grid", placeItems: "center", height: 20 }}><Platform platform={account.platform} /></span> }))}
            />
          )}
          <Preview customerId={customerId} account={shown} draft={draft} variant={variant} />
          <Text size="xs" c="dimmed">
            {t("preview.note", { platform: platforms[shown.platform].name, account: shown.name })}
          </Text>
        </>
      )}
    </Stack>
  );
}

/** A post as a platform shows it. */
export function Preview({ customerId, account, draft, variant }: { customerId: string; account: Account; draft: Draft; variant: Variant }) {
  const shown: Shown = { customerId, account, draft, variant, text: textOf(draft, variant), media: mediaOf(draft, variant) };
  switch (account.platform) {
    case "twitter":
      return <XPost {...shown} />;
    case "linkedin":
      return <LinkedInPost {...shown} />;
    case "facebook":
      return <FacebookPost {...shown} />;
    case "mailchimp":
      return <Email {...shown} />;
    case "ghost":
      return <Article {...shown} />;
  }
}

const marked = /(https?:\/\/\S+|(?<![\p{L}\p{N}_])[@#][\p{L}\p{N}_]+)/gu;

/** A text with its addresses, mentions and topics in colour. They lead nowhere: it is a picture of the post. */
function Marked({ text }: { text: string }) {
  const { t } = useTranslation("composer");
  if (text === "") return <span className={classes.muted}>{t("preview.noText")}</span>;
  return (
    <span className={classes.text}>
      {text.split(marked).map((part, index) => (index % 2 === 1 ? <span key={index} className={classes.link}>{part}</span> : part))}
    </span>
  );
}

function Avatar({ account, square = false }: { account: Account; square?: boolean }) {
  return (
    <div className={`${classes.avatar} ${square ? classes.square : ""}`} aria-hidden>
      {[...account.name][0]?.toUpperCase()}
    </div>
  );
}

function Files({ media, className = "" }: { media: string[]; className?: string }) {
  if (media.length === 0) return null;
  return (
    <div className={`${classes.media} ${media.length > 1 ? classes.two : ""} ${className}`}>
      {media.slice(0, 4).map((id, index) => (
        <MediaThumb key={`${id}-${index}`} media={id} fill />
      ))}
    </div>
  );
}

/** The beginning of a long text, as feeds fold it. */
function Folded({ text, at }: { text: string; at: number }) {
  const { t } = useTranslation("composer");
  const [open, setOpen] = useState(false);
  if (open || text.length <= at * 1.2) return <Marked text={text} />;
  return (
    <>
      <Marked text={text.slice(0, at)} />
      …{" "}
      <button type="button" className={classes.fold} onClick={() => setOpen(true)}>
        {t("preview.more")}
      </button>
    </>
  );
}

function XPost({ account, variant, text, media }: Shown) {
  const { t } = useTranslation("composer");
  const thread = variant.options.thread ?? [];
  const taken = new Set(thread.flatMap((part) => part.media_ids ?? []));
  const handle = `@${/[^/]+$/.exec(account.url)?.[0] ?? account.name.replace(/\s/g, "")}`;
  const parts = [{ text, media: media.filter((id) => !taken.has(id)) }, ...thread.map((part) => ({ text: part.text, media: part.media_ids ?? [] }))];
  return (
    <article className={classes.x}>
      {parts.map((part, index) => (
        <div key={index} className={classes.tweet}>
          <div>
            <Avatar account={account} />
            {index < parts.length - 1 && <div className={classes.line} />}
          </div>
          <div>
            <div>
              <span className={classes.name}>{account.name}</span> <span className={classes.muted}>{handle} · {t("preview.now")}</span>
            </div>
            <Marked text={part.text} />
            <Files media={part.media} className={classes.round} />
            {index === 0 && (variant.options.made_with_ai === true || variant.options.paid_partnership === true) && (
              <div className={classes.muted}>{[variant.options.paid_partnership === true ? t("options.paid_partnership.label") : "", variant.options.made_with_ai === true ? t("options.made_with_ai.label") : ""].filter(Boolean).join(" · ")}</div>
            )}
          </div>
        </div>
      ))}
    </article>
  );
}

function LinkCard({ link, title }: { link: string; title?: string | undefined }) {
  let host = link;
  try {
    host = new URL(link).host;
  } catch {
    // still being typed
  }
  return (
    <div className={classes.card}>
      <div style={{ fontWeight: 600 }}>{title ?? host}</div>
      <div className={classes.muted}>{host}</div>
    </div>
  );
}

function Comment({ account, text }: { account: Account; text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <div className={classes.comment}>
      <div className={classes.name}>{account.name}</div>
      <Marked text={text} />
    </div>
  );
}

function Feed({ className, account, under, square, body, files, bar, children }: { className: string | undefined; account: Account; under: string; square: boolean; body: ReactNode; files: ReactNode; bar: string[]; children: ReactNode }) {
  return (
    <article className={className}>
      <div className={classes.pad}>
        <div className={classes.head}>
          <Avatar account={account} square={square} />
          <div>
            <div className={classes.name}>{account.name}</div>
            <div className={classes.muted}>{under}</div>
          </div>
        </div>
        <div style={{ marginTop: 12 }}>{body}</div>
      </div>
      {files}
      {children}
      <div className={classes.pad} style={{ paddingTop: 0 }} aria-hidden>
        <div className={classes.bar}>
          {bar.map((word) => (
            <span key={word}>{word}</span>
          ))}
        </div>
      </div>
    </article>
  );
}

function LinkedInPost({ account, variant, text, media }: Shown) {
  const { t } = useTranslation("composer");
  const { link, link_title: title, visibility, first_comment: comment } = variant.options;
  return (
    <Feed
      className={classes.linkedin}
      account={account}
      square={account.url.includes("/company/")}
      under={`${t("preview.now")} · ${t(visibility === "connections" ? "options.visibility.connections" : "options.visibility.public")}`}
      body={<Folded text={text} at={210} />}
      files={<Files media={media} />}
      bar={[t("preview.like"), t("preview.comment"), t("preview.repost"), t("preview.send")]}
    >
      {link !== undefined && media.length === 0 && <LinkCard link={link} title={title} />}
      <Comment account={account} text={comment} />
    </Feed>
  );
}

function FacebookPost({ account, variant, text, media }: Shown) {
  const { t } = useTranslation("composer");
  const { link, first_comment: comment } = variant.options;
  return (
    <Feed
      className={classes.facebook}
      account={account}
      square={false}
      under={t("preview.now")}
      body={<Folded text={text} at={480} />}
      files={<Files media={media} />}
      bar={[t("preview.like"), t("preview.comment"), t("preview.share")]}
    >
      {link !== undefined && media.length === 0 && <LinkCard link={link} />}
      <Comment account={account} text={comment} />
    </Feed>
  );
}

function Email({ customerId, account, draft, variant, text, media }: Shown) {
  const { t } = useTranslation("composer");
  const { subject, preview_text: preview, from_name: from, reply_to: reply, template_id: template } = variant.options;
  return (
    <article className={classes.mail}>
      <div className={classes.pad}>
        <div className={classes.subject}>{subject ?? (draft.title || <span className={classes.muted}>{t("preview.noSubject")}</span>)}</div>
        {preview !== undefined && <div className={classes.muted}>{preview}</div>}
        <div className={classes.head} style={{ marginTop: 12 }}>
          <Avatar account={account} />
          <div>
            <div className={classes.name}>{from ?? account.name}</div>
            <div className={classes.muted}>{reply ?? t("preview.toAudience")}</div>
          </div>
        </div>
      </div>
      {template === undefined ? (
        <div className={classes.letter}>
          <Files media={media} />
          <Marked text={text} />
        </div>
      ) : (
        <Letter customerId={customerId} template={template} title={draft.title} text={text} variables={variant.options.variables ?? {}} />
      )}
    </article>
  );
}

/** The e-mail as the template makes it of the text, in a frame in which nothing runs. */
function Letter({ customerId, template, title, text, variables }: { customerId: string; template: string; title: string; text: string; variables: Record<string, string> }) {
  const { t } = useTranslation("composer");
  const [body] = useDebouncedValue(JSON.stringify({ title, text, variables }), 600);
  const letter = useQuery({
    queryKey: [...customerKey(customerId), "letter", template, body],
    queryFn: () =>
      data(
        fanfare.POST("/v1/customers/{customer_id}/email-templates/{email_template_id}/preview", {
          params: { path: { customer_id: customerId, email_template_id: template } },
          body: JSON.parse(body) as { title: string; text: string; variables: Record<string, string> },
        }),
      ),
    placeholderData: (before) => before,
    meta: { live: false },
  });
  if (letter.isError) return <Problem error={letter.error} retry={() => void letter.refetch()} />;
  if (letter.data === undefined) return <div className={classes.letter} />;
  return (
    <>
      {letter.data.missing.length > 0 && (
        <Text size="sm" c="var(--mantine-color-error)" px="md" pb="xs">
          {t("preview.missing", { names: letter.data.missing.join(", ") })}
        </Text>
      )}
      <iframe className={classes.html} sandbox="" title={t("preview.letter")} srcDoc={letter.data.html} />
    </>
  );
}

function Article({ account, draft, variant, text, media }: Shown) {
  const { t } = useTranslation("composer");
  const zone = useCustomer()?.time_zone ?? "UTC";
  const [feature, ...others] = media;
  const { tags, excerpt, newsletter } = variant.options;
  return (
    <article className={classes.ghost}>
      {tags?.[0] !== undefined && <div className={classes.tag}>{tags[0]}</div>}
      <div className={classes.article}>{draft.title || <span className={classes.muted}>{t("preview.noTitle")}</span>}</div>
      {excerpt !== undefined && <div className={classes.excerpt}>{excerpt}</div>}
      <div className={classes.muted} style={{ marginTop: 12 }}>
        {account.name} · {formatTime(new Date(), zone, { dateStyle: "medium" })}
        {newsletter !== undefined && ` · ${t("preview.newsletter", { name: newsletter })}`}
      </div>
      {feature !== undefined && (
        <div className={classes.feature}>
          <MediaThumb media={feature} fill />
        </div>
      )}
      <div style={{ marginTop: 16 }}>
        <Marked text={text} />
      </div>
      <Files media={others} />
    </article>
  );
}
