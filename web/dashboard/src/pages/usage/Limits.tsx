import { Badge, Button, Code, Group, NumberInput, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconGauge } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Empty } from "../../components/Empty";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Reason } from "../../components/Reason";
import { Records } from "../../components/Records";
import { Skeletons } from "../../components/Skeletons";
import { useAct } from "../../lib/act";
import { useAddress } from "../../lib/address";
import { formatNumber } from "../../lib/time";
import { useCustomer, useCustomerId, useMe } from "../../shell/customer";

type RateLimit = Schemas["RateLimit"];

/** How many requests of each operation the customer may make. System admins change it. */
export function Limits() {
  const { t } = useTranslation("usage");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const admin = useMe()?.system_role === "admin" && customer?.archived_at === null;
  const { get, set } = useAddress();
  const search = get("search").toLowerCase();
  const own = get("only") === "own";
  const limits = useQuery({ queryKey: [...customerKey(customerId), "rate-limits"], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/rate-limits", { params: { path: { customer_id: customerId } } })) });
  const path = (limit: RateLimit) => ({ customer_id: customerId, operation: limit.operation });
  const reset = useAct(customerId, (limit: RateLimit) => data(fanfare.DELETE("/v1/customers/{customer_id}/rate-limits/{operation}", { params: { path: path(limit) } })), {
    done: (_, limit) => t("limits.resetDone", { operation: limit.operation }),
    undo: (_, limit) => data(fanfare.PUT("/v1/customers/{customer_id}/rate-limits/{operation}", { params: { path: path(limit) }, body: { quota: limit.quota, window_seconds: limit.window_seconds } })),
  });
  const opened = admin ? limits.data?.items.find((limit) => limit.operation === get("operation")) : undefined;
  const meaning = useMeaning();
  if (limits.isError) return <Problem error={limits.error} retry={() => void limits.refetch()} />;
  if (limits.data === undefined) return <Skeletons />;
  const rows = limits.data.items.filter((limit) => limit.operation.includes(search) && (!own || limit.overridden));
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("limits.text")} {!admin && t("byAdmins")}
      </Text>
      <Group gap="md" align="flex-end">
        <TextInput label={t("limits.search")} w={260} value={get("search")} onChange={(event) => set({ search: event.currentTarget.value })} />
        <Switch label={t("limits.own")} checked={own} onChange={(event) => set({ only: event.currentTarget.checked ? "own" : undefined })} mb={8} />
      </Group>
      <Records<RateLimit>
        label={t("tabs.limits")}
        rows={rows}
        rowKey={(limit) => limit.operation}
        open={admin ? (limit) => set({ operation: limit.operation }, true) : undefined}
        columns={[
          { title: t("limits.operation"), cell: (limit) => <Code>{limit.operation}</Code> },
          { title: t("limits.limit"), cell: (limit) => meaning(limit.quota, limit.window_seconds) },
          {
            title: t("limits.whose"),
            cell: (limit) =>
              limit.overridden ? (
                <Group gap="xs">
                  <Badge variant="light" color="violet" tt="none">
                    {t("limits.ofCustomer")}
                  </Badge>
                  <Text size="sm" c="dimmed">
                    {t("limits.instead", { limit: meaning(limit.default_quota, limit.default_window_seconds) })}
                  </Text>
                </Group>
              ) : (
                <Text size="sm" c="dimmed">
                  {t("limits.default")}
                </Text>
              ),
          },
        ]}
        actions={
          admin
            ? (limit) =>
                limit.overridden && (
                  <Button size="compact-sm" variant="default" onClick={() => reset.mutate(limit)}>
                    {t("reset")}
                  </Button>
                )
            : undefined
        }
        empty={<Empty icon={IconGauge} title={t("limits.empty.title")} text={own ? t("limits.empty.own") : t("limits.empty.text")} />}
      />
      <Panel title={opened?.operation ?? ""} opened={opened !== undefined} onClose={() => set({ operation: undefined })} size="md">
        {opened !== undefined && <LimitForm key={opened.operation} limit={opened} done={() => set({ operation: undefined })} />}
      </Panel>
    </Stack>
  );
}

/** A limit in words, such as 60 requests a minute. */
function useMeaning() {
  const { t } = useTranslation("usage");
  return (quota: number, seconds: number) => {
    const value = formatNumber(quota);
    if (seconds === 1) return t("limits.aSecond", { value });
    if (seconds === 60) return t("limits.aMinute", { value });
    if (seconds === 3600) return t("limits.anHour", { value });
    if (seconds === 86_400) return t("limits.aDay", { value });
    return t("limits.inSeconds", { value, seconds: formatNumber(seconds) });
  };
}

function LimitForm({ limit, done }: { limit: RateLimit; done: () => void }) {
  const { t } = useTranslation("usage");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const meaning = useMeaning();
  const path = { customer_id: customerId, operation: limit.operation };
  const current = useQuery({ queryKey: [...customerKey(customerId), "rate-limits", limit.operation], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/rate-limits/{operation}", { params: { path } })), gcTime: 0 });
  const [etag, setEtag] = useState<string>();
  const [quota, setQuota] = useState<number | string>(limit.quota);
  const [seconds, setSeconds] = useState<number | string>(limit.window_seconds);
  const seen = etag ?? current.data?.etag;
  if (etag === undefined && current.data !== undefined) setEtag(current.data.etag);
  const save = useAct(customerId, () => data(fanfare.PUT("/v1/customers/{customer_id}/rate-limits/{operation}", { params: { path, header: { "If-Match": seen } }, body: { quota: Number(quota), window_seconds: Number(seconds) } })), {
    done: () => t("limits.setDone", { operation: limit.operation }),
    quiet: true,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, { onSuccess: done, onError: () => void changed(customerId) });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t("limits.now", { limit: meaning(limit.quota, limit.window_seconds), standard: meaning(limit.default_quota, limit.default_window_seconds) })}</Text>
        <NumberInput label={t("limits.quota")} required min={1} max={1_000_000} allowDecimal={false} value={quota} onChange={setQuota} data-autofocus />
        <NumberInput label={t("limits.window")} description={t("limits.windowHint")} required min={1} max={86_400} allowDecimal={false} value={seconds} onChange={setSeconds} />
        <Reason />
        <Text size="sm" c="dimmed">
          {t("limits.forgotten")}
        </Text>
        {save.error !== null && <Problem error={save.error} />}
        {current.data !== undefined && etag !== undefined && etag !== current.data.etag && (
          <Group justify="space-between">
            <Text size="sm">{t("stale")}</Text>
            <Button size="xs" variant="default" onClick={() => setEtag(current.data.etag)}>
              {t("goOn")}
            </Button>
          </Group>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending} disabled={seen === undefined}>
            {common("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
