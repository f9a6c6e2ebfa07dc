import { Alert, Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Facts } from "../../components/Facts";
import { Platform, platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useCustomerId, useMay } from "../../shell/customer";
import { Health, type Integration } from "./health";

/** For how long the answer to a check is waited for. */
const PATIENCE = 20_000;

/** A connected account: whether it works, until when, and what can be done. */
export function Account({ id, reconnect, close }: { id: string; reconnect: (integration: Integration) => void; close: () => void }) {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const may = useMay("admin");
  const mayCheck = useMay("member");
  const path = { customer_id: customerId, integration_id: id };
  const [asked, setAsked] = useState<{ at: number; before: string | null }>();
  const one = useQuery({
    enabled: id !== "", // while the panel closes
    queryKey: [...customerKey(customerId), "integration", id],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/integrations/{integration_id}", { params: { path } })),
    refetchInterval: (query) => (asked !== undefined && query.state.data?.health.checked_at === asked.before && Date.now() - asked.at < PATIENCE ? 1500 : false),
  });
  const check = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/integrations/{integration_id}/check", { params: { path } })), { done: () => t("check.asked") });
  const makeDefault = (integrationId: string) => data(fanfare.PATCH("/v1/customers/{customer_id}/integrations/{integration_id}", { params: { path: { customer_id: customerId, integration_id: integrationId } }, body: { is_default: true } }));
  const preferred = useAct(customerId, () => makeDefault(id), { done: (integration) => t("default.done", { name: integration.name, platform: platforms[integration.platform].name }) });
  const disconnect = useAct(customerId, () => data(fanfare.DELETE("/v1/customers/{customer_id}/integrations/{integration_id}", { params: { path } })), { done: () => t("disconnect.done"), quiet: true });
  if (one.isError) return <Problem error={one.error} retry={() => void one.refetch()} />;
  if (one.data === undefined) return <Skeletons />;
  const integration = one.data;
  const { health, authorization } = integration;
  const platform = platforms[integration.platform].name;
  const works = health.status === "active" || health.status === "expiring";
  const answered = asked !== undefined && health.checked_at !== asked.before;
  return (
    <Stack>
      <Group gap="xs">
        <Platform platform={integration.platform} name size={18} />
        <Health integration={integration} />
        <Text size="sm" c="dimmed">
          {t("since")} <When at={health.since} relative />
        </Text>
      </Group>
      {health.status !== "active" && (
        <Alert color={health.status === "expiring" ? "orange" : health.status === "needs_reauth" ? "red" : "gray"} icon={<IconAlertCircle aria-hidden />} title={health.reason === null ? t(`status.${health.status}`) : t(`reason.${health.reason}`)}>
          <Stack gap="xs" align="flex-start">
            <Text size="sm">{t(`todo.${health.status}`)}</Text>
            {health.reconnect_by !== null && (
              <Text size="sm">
                {t("reconnectBy")} <When at={health.reconnect_by} />
              </Text>
            )}
            {may && (
              <Button size="xs" onClick={() => reconnect(integration)}>
                {t("reconnect", { platform })}
              </Button>
            )}
          </Stack>
        </Alert>
      )}
      <Facts
        facts={[
          [t("account"), /^https?:\/\//.test(integration.url) ? <Anchor key="url" inherit underline="always" href={integration.url} target="_blank" rel="noreferrer">{integration.name}</Anchor> : integration.name],
          [t("id"), integration.external_id],
          [t("default.title"), integration.is_default ? t("default.is", { platform }) : t("default.isNot")],
          [t("signedIn"), authorization?.name],
          [t("checked"), health.checked_at === null ? t("check.never") : <When key="checked" at={health.checked_at} relative />],
          [t("expires"), health.expires_at === null ? null : <When key="expires" at={health.expires_at} />],
          [t("reconnectBy"), health.reconnect_by === null ? null : <When key="by" at={health.reconnect_by} />],
          [t("connected"), <When key="connected" at={integration.created_at} />],
          [t("message"), health.message],
        ]}
      />
      {answered && (
        <Text size="sm" role="status">
          {t("check.answered")}
        </Text>
      )}
      <Group gap="xs">
        {mayCheck && works && (
          <Button
            size="xs"
            variant="light"
            loading={check.isPending || (asked !== undefined && !answered && one.isFetching)}
            onClick={() => {
              setAsked({ at: Date.now(), before: health.checked_at });
              check.mutate(undefined);
            }}
          >
            {t("check.button")}
          </Button>
        )}
        {may && works && !integration.is_default && (
          <Button size="xs" variant="default" loading={preferred.isPending} onClick={() => preferred.mutate(undefined)}>
            {t("default.make")}
          </Button>
        )}
        {may && health.status === "active" && (
          <Button size="xs" variant="default" onClick={() => reconnect(integration)}>
            {t("reconnect", { platform })}
          </Button>
        )}
        {may && health.status !== "disconnected" && (
          <Confirm
            size="xs"
            title={t("disconnect.title", { name: integration.name })}
            text={t("disconnect.text")}
            confirm={t("disconnect.button")}
            act={async () => {
              await disconnect.mutateAsync(undefined);
              close();
            }}
          >
            {t("disconnect.button")}
          </Confirm>
        )}
      </Group>
    </Stack>
  );
}
