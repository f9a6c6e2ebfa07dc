import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Page } from "../components/Page";
import { useTranslation } from "react-i18next";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { Composer } from "./compose/Composer";
import { Stored } from "./compose/Stored";
import type { Draft } from "./compose/model";
import { localOf } from "./compose/zoned";
import { Skeletons } from "../components/Skeletons";

interface Search {
  /** The post that was made of what is written. */
  draft?: string;
  campaign?: string;
  media?: string[];
  /** When it is to go out: an instant, a day, or a time by the customer's clocks. */
  at?: string;
  text?: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function parse(search: Record<string, unknown>): Search {
  const id = (value: unknown) => (typeof value === "string" && uuid.test(value) ? value : undefined);
  const media = typeof search.media === "string" ? search.media.split(",").filter((one) => uuid.test(one)) : [];
  const draft = id(search.draft);
  const campaign = id(search.campaign);
  return {
    ...(draft === undefined ? {} : { draft }),
    ...(campaign === undefined ? {} : { campaign }),
    ...(media.length === 0 ? {} : { media }),
    ...(typeof search.at === "string" && !Number.isNaN(Date.parse(search.at)) ? { at: search.at } : {}),
    ...(typeof search.text === "string" ? { text: search.text.slice(0, 5000) } : {}),
  };
}

/** The time that an address names, by the clocks of a zone; a day alone is its morning. */
function localTime(at: string, zone: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(at)) return `${at}T09:00`;
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(at)) return at.slice(0, 16);
  return localOf(new Date(at).toISOString(), zone);
}

/** Writes a new post. Once the server has it, the address says which it is, so that it can be reloaded. */
export default function NewPost() {
  const { t } = useTranslation("composer");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const navigate = useNavigate();
  const raw: Record<string, unknown> = useSearch({ strict: false });
  const search = parse(raw);
  const may = useMay("member");
  const { draft } = search;
  const [made, setMade] = useState<string>();
  const [last, setLast] = useState(draft);
  const [round, setRound] = useState(0);
  // Somebody begins another one while this is open.
  if (draft !== last) {
    setLast(draft);
    if (draft === undefined) {
      setMade(undefined);
      setRound(round + 1);
    }
  }
  if (draft !== undefined && draft !== made) return <Stored key={`${customerId} ${draft}`} customerId={customerId} postId={draft} />;
  if (customer === undefined)
    return (
      <Page title={t("new")}>
        <Skeletons />
      </Page>
    );
  if (!may)
    return (
      <Page title={t("new")}>
        <p>{t("mayNot")}</p>
      </Page>
    );
  const prefill: Partial<Draft> = { ...(search.campaign === undefined ? {} : { campaign_id: search.campaign }), ...(search.media === undefined ? {} : { media_ids: search.media }), ...(search.text === undefined ? {} : { text: search.text }) };
  return (
    <Composer
      key={`${customerId} ${round}`}
      customerId={customerId}
      post={null}
      prefill={prefill}
      at={search.at === undefined ? undefined : localTime(search.at, customer.time_zone)}
      onMade={(post) => {
        setMade(post.id);
        void navigate({ to: "/customers/$customerId/posts/new", params: { customerId }, search: { ...raw, draft: post.id }, replace: true, resetScroll: false });
      }}
    />
  );
}
