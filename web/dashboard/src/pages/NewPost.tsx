import { useLocation, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Page } from "../components/Page";
import { useTranslation } from "react-i18next";
import { idOf, useAddress, type Get } from "../lib/address";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { Composer } from "./compose/Composer";
import { Stored } from "./compose/Stored";
import type { Draft } from "./compose/model";
import { localOf } from "./compose/zoned";
import { Skeletons } from "../components/Skeletons";

/** What the address says of the post: which it is once it was made, what is in it to begin with, and when it is to go out (an instant, a day, or a time by the customer's clocks). */
function read(get: Get) {
  const media = get("media").split(",").flatMap((id) => idOf(id) ?? []);
  const campaign = idOf(get("campaign"));
  const at = get("at");
  const text = get("text").slice(0, 5000);
  const prefill: Partial<Draft> = { ...(campaign === undefined ? {} : { campaign_id: campaign }), ...(media.length === 0 ? {} : { media_ids: media }), ...(text === "" ? {} : { text }) };
  return { draft: idOf(get("draft")), at: Number.isNaN(Date.parse(at)) ? undefined : at, prefill };
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
  const { get } = useAddress();
  const { draft, at, prefill } = read(get);
  const may = useMay("member");
  const [made, setMade] = useState<string>();
  const [last, setLast] = useState(draft);
  const [round, setRound] = useState(0);
  const here = useLocation({ select: ({ pathname }) => pathname.endsWith("/posts/new") });
  // Somebody begins another one while this is open; on the way to another page, nobody does.
  if (here && draft !== last) {
    setLast(draft);
    if (draft === undefined) {
      setMade(undefined);
      setRound(round + 1);
    }
  }
  if (draft !== undefined && draft !== made && here) return <Stored key={`${customerId} ${draft}`} customerId={customerId} postId={draft} />;
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
  return (
    <Composer
      key={`${customerId} ${round}`}
      customerId={customerId}
      post={null}
      prefill={prefill}
      at={at === undefined ? undefined : localTime(at, customer.time_zone)}
      onMade={(post) => {
        setMade(post.id);
        void navigate({ to: "/customers/$customerId/posts/new", params: { customerId }, search: (before: Record<string, unknown>) => ({ ...before, draft: post.id }), replace: true, resetScroll: false });
      }}
    />
  );
}
