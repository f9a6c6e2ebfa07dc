import { Badge, Button, Checkbox, Group, Stack, Tabs, Text } from "@mantine/core";
import { IconFlag, IconPlus } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Records, usePages } from "../components/Records";
import { useAddress } from "../lib/address";
import { formatTime } from "../lib/time";
import { useCustomerId, useMay } from "../shell/customer";
import { CampaignPanel, NewCampaign } from "./campaigns/CampaignPanel";
import { RecurringPosts } from "./campaigns/RecurringPosts";

type Campaign = Schemas["Campaign"];

/** Campaigns, and the posts that recur. */
export default function Campaigns() {
  const { t } = useTranslation("campaigns");
  const may = useMay("member");
  const address = useAddress();
  const tab = address.one("tab", ["campaigns", "recurring"]);
  const make = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ campaign: "new", tab: undefined }, true)}>
      {t("new")}
    </Button>
  );
  return (
    <Page title={t("title")} text={t("text")} actions={make === false ? undefined : make}>
      <Tabs value={tab} onChange={(value) => address.set({ tab: value === "recurring" ? "recurring" : undefined, campaign: undefined, recurring: undefined }, true)} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="campaigns">{t("tab.campaigns")}</Tabs.Tab>
          <Tabs.Tab value="recurring">{t("tab.recurring")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="campaigns">
          <List make={make === false ? undefined : make} />
        </Tabs.Panel>
        <Tabs.Panel value="recurring">
          <RecurringPosts />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

/** The days of a campaign, which are no moments and have no zone. */
function days(campaign: Pick<Campaign, "starts_on" | "ends_on">, t: TFunction<"campaigns">): string {
  const day = (date: string) => formatTime(`${date}T00:00:00Z`, "UTC", { dateStyle: "medium" });
  const { starts_on: first, ends_on: last } = campaign;
  if (first !== null && last !== null) return t("days.both", { first: day(first), last: day(last) });
  if (first !== null) return t("days.from", { first: day(first) });
  return last === null ? "–" : t("days.until", { last: day(last) });
}

function List({ make }: { make: React.ReactNode }) {
  const { t } = useTranslation("campaigns");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const address = useAddress();
  const archived = address.get("archived") === "true";
  const opened = address.get("campaign") || undefined;
  const pages = usePages<Campaign>([...customerKey(customerId), "campaigns", "list", archived], (cursor) => fanfare.GET("/v1/customers/{customer_id}/campaigns", { params: { path: { customer_id: customerId }, query: { cursor, archived } } }));
  const close = () => address.set({ campaign: undefined }, true);
  return (
    <Stack>
      <Checkbox label={t("archivedToo")} checked={archived} onChange={(event) => address.set({ archived: event.currentTarget.checked ? "true" : undefined })} />
      <Records<Campaign>
        label={t("title")}
        pages={pages}
        rowKey={(campaign) => campaign.id}
        open={(campaign) => address.set({ campaign: campaign.id }, true)}
        columns={[
          {
            title: common("name"),
            width: "30%",
            cell: (campaign) => (
              <Group gap="xs" component="span">
                <Text span fw={500}>
                  {campaign.name}
                </Text>
                {campaign.archived_at !== null && (
                  <Badge color="gray" variant="light" tt="none" fw={500} component="span">
                    {t("archived")}
                  </Badge>
                )}
              </Group>
            ),
          },
          { title: t("field.days"), cell: (campaign) => days(campaign, t), width: 220 },
          {
            title: t("field.goal"),
            cell: (campaign) => (
              <Text size="sm" lineClamp={2}>
                {campaign.goal === "" ? "–" : campaign.goal}
              </Text>
            ),
          },
        ]}
        empty={<Empty icon={IconFlag} title={t("empty.title")} text={t("empty.text")} action={make} />}
      />
      <Panel title={opened === "new" ? t("new") : t("one")} opened={opened !== undefined} onClose={close}>
        {opened === "new" ? <NewCampaign done={(id) => address.set({ campaign: id })} /> : opened !== undefined && <CampaignPanel key={opened} campaignId={opened} close={close} />}
      </Panel>
    </Stack>
  );
}
