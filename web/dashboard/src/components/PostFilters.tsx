import { MultiSelect, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { idOf, oneOf, someOf, type Get } from "../lib/address";
import { useCustomerId } from "../shell/customer";
import { platforms, type PlatformName } from "./Platform";

export type State = Schemas["Post"]["state"];

export const states = ["draft", "pending_approval", "approved", "scheduled", "publishing", "published", "partially_published", "failed", "needs_attention", "cancelled"] as const satisfies readonly State[];
const platformNames = ["twitter", "linkedin", "facebook", "mailchimp", "ghost"] as const satisfies readonly PlatformName[];

/** By what posts are filtered, as the address has it. */
export interface Filters {
  platform: PlatformName | undefined;
  /** With commas between them; undefined: all. */
  state: string | undefined;
  campaign: string | undefined;
}

export function readFilters(get: Get): Filters {
  return { platform: oneOf(platformNames, get("platform")), state: someOf(states, get("state")).join(",") || undefined, campaign: idOf(get("campaign")) };
}

/** The campaigns of the customer. */
export function useCampaigns() {
  const customerId = useCustomerId();
  return useQuery({
    queryKey: [...customerKey(customerId), "campaigns", "choice"],
    queryFn: async () => (await data(fanfare.GET("/v1/customers/{customer_id}/campaigns", { params: { path: { customer_id: customerId }, query: { limit: 100 } } }))).items,
    staleTime: 60_000,
  }).data;
}

/** Filters of posts: platform, states, campaign. */
export function PostFilters({ filters, change }: { filters: Filters; change: (some: Partial<Filters>) => void }) {
  const { t } = useTranslation("calendar");
  const { t: common } = useTranslation();
  const campaigns = useCampaigns() ?? [];
  return (
    <>
      <Select
        aria-label={t("filter.platform")}
        placeholder={t("filter.anyPlatform")}
        size="xs"
        w={150}
        clearable
        clearButtonProps={{ "aria-label": t("filter.clear") }}
        data={platformNames.map((platform) => ({ value: platform, label: platforms[platform].name }))}
        value={filters.platform ?? null}
        onChange={(platform) => change({ platform: oneOf(platformNames, platform) })}
      />
      <MultiSelect
        aria-label={t("filter.state")}
        placeholder={filters.state === undefined ? t("filter.anyState") : undefined}
        size="xs"
        miw={150}
        maw={360}
        clearable
        clearButtonProps={{ "aria-label": t("filter.clear") }}
        data={states.map((state) => ({ value: state, label: common(`state.${state}`) }))}
        value={filters.state?.split(",") ?? []}
        onChange={(chosen) => change({ state: someOf(states, chosen.join(",")).join(",") || undefined })}
      />
      {campaigns.length > 0 && (
        <Select
          aria-label={t("filter.campaign")}
          placeholder={t("filter.anyCampaign")}
          size="xs"
          w={160}
          clearable
          searchable
          clearButtonProps={{ "aria-label": t("filter.clear") }}
          data={campaigns.map((campaign) => ({ value: campaign.id, label: campaign.name }))}
          value={filters.campaign ?? null}
          onChange={(campaign) => change({ campaign: campaign ?? undefined })}
        />
      )}
    </>
  );
}
