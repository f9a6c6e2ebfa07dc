import { Badge, Button, Group, NumberInput, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Panel } from "../../components/Panel";
import { Problem } from "../../components/Problem";
import { Reason } from "../../components/Reason";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { formatMoney } from "../../lib/kinds";
import { formatNumber } from "../../lib/time";
import { useCustomer, useCustomerId, useMe } from "../../shell/customer";

type Seen = Schemas["LLMBudget"] & { etag: string };

/** What the customer's calls of LLMs may use in a month, and what they have used. System admins change it. */
export function Budget() {
  const { t } = useTranslation("usage");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const customer = useCustomer();
  const admin = useMe()?.system_role === "admin" && customer?.archived_at === null;
  const path = { customer_id: customerId };
  const [opened, { open, close }] = useDisclosure();
  const budget = useQuery({ queryKey: [...customerKey(customerId), "llm-budget"], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}/llm-budget", { params: { path } })) });
  const reset = useAct(customerId, (seen: Seen) => data(fanfare.DELETE("/v1/customers/{customer_id}/llm-budget", { params: { path, header: { "If-Match": seen.etag } } })), {
    done: () => t("budget.resetDone"),
    undo: (_, seen) => data(fanfare.PUT("/v1/customers/{customer_id}/llm-budget", { params: { path }, body: { monthly_tokens: seen.monthly_tokens, monthly_cost_microusd: seen.monthly_cost_microusd } })),
  });
  if (budget.isError) return <Problem error={budget.error} retry={() => void budget.refetch()} />;
  const seen = budget.data;
  if (seen === undefined) return <Skeletons rows={2} height={120} />;
  return (
    <Stack>
      <Text size="sm" maw={640}>
        {t("budget.text")}
      </Text>
      <Meter title={t("measures.tokens")} used={seen.used_tokens} reserved={seen.reserved_tokens} lost={seen.lost_tokens} most={seen.monthly_tokens} format={formatNumber} />
      <Meter title={t("measures.cost")} used={seen.used_cost_microusd} reserved={seen.reserved_cost_microusd} lost={seen.lost_cost_microusd} most={seen.monthly_cost_microusd} format={formatMoney} />
      <Group gap="xs">
        <Badge variant="light" color={seen.overridden ? "violet" : "gray"} tt="none">
          {seen.overridden ? t("budget.own") : t("budget.default")}
        </Badge>
        <Text size="sm" c="dimmed">
          {t("budget.renews")} <When at={seen.renews_at} />
        </Text>
      </Group>
      {admin ? (
        <Group>
          <Button onClick={open}>{t("budget.set")}</Button>
          {seen.overridden && (
            <Button variant="default" loading={reset.isPending} onClick={() => reset.mutate(seen)}>
              {t("reset")}
            </Button>
          )}
        </Group>
      ) : (
        <Text size="sm" c="dimmed">
          {t("byAdmins")}
        </Text>
      )}
      <Panel title={t("budget.set")} opened={opened} onClose={close} size="md">
        <BudgetForm seen={seen} done={close} />
      </Panel>
      <Text size="xs" c="dimmed">
        {common("details")}: {t("budget.meaning")}
      </Text>
    </Stack>
  );
}

function Meter({ title, used, reserved, lost, most, format }: { title: string; used: number; reserved: number; lost: number; most: number; format: (value: number) => string }) {
  const { t } = useTranslation("usage");
  const share = (value: number) => (most === 0 ? 0 : Math.min(100, (100 * value) / most));
  const taken = used + reserved + lost;
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2}>{title}</Title>
          <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
            {t("budget.of", { taken: format(taken), most: format(most) })}
          </Text>
        </Group>
        <Progress.Root size="lg" aria-hidden>
          <Progress.Section value={share(used)} color={taken >= most ? "red" : "accent"} />
          <Progress.Section value={share(reserved)} color="cyan" />
          <Progress.Section value={share(lost)} color="orange" />
        </Progress.Root>
        <Group gap="md">
          <Part color="var(--mantine-primary-color-filled)" text={t("budget.used", { value: format(used) })} />
          <Part color="var(--mantine-color-cyan-filled)" text={t("budget.reserved", { value: format(reserved) })} />
          <Part color="var(--mantine-color-orange-filled)" text={t("budget.lost", { value: format(lost) })} />
        </Group>
        {taken >= most && (
          <Text size="sm" c="red">
            {t("budget.over")}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function Part({ color, text }: { color: string; text: string }) {
  return (
    <Group gap={6} wrap="nowrap">
      <span aria-hidden style={{ width: 10, height: 10, borderRadius: 3, background: color, flex: "none" }} />
      <Text size="sm" c="dimmed">
        {text}
      </Text>
    </Group>
  );
}

function BudgetForm({ seen, done }: { seen: Seen; done: () => void }) {
  const { t } = useTranslation("usage");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const [etag, setEtag] = useState(seen.etag);
  const [tokens, setTokens] = useState<number | string>(seen.monthly_tokens);
  const [dollars, setDollars] = useState<number | string>(seen.monthly_cost_microusd / 1_000_000);
  const save = useAct(
    customerId,
    () =>
      data(
        fanfare.PUT("/v1/customers/{customer_id}/llm-budget", {
          params: { path: { customer_id: customerId }, header: { "If-Match": etag } },
          body: { monthly_tokens: Number(tokens), monthly_cost_microusd: Math.round(Number(dollars) * 1_000_000) },
        }),
      ),
    { done: () => t("budget.setDone"), quiet: true },
  );
  const stale = etag !== seen.etag;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined, { onSuccess: done, onError: () => void changed(customerId) });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <NumberInput label={t("budget.tokens")} description={t("budget.now", { value: formatNumber(seen.monthly_tokens), standard: formatNumber(seen.default_monthly_tokens) })} required min={0} max={1_000_000_000_000} allowDecimal={false} thousandSeparator=" " value={tokens} onChange={setTokens} data-autofocus />
        <NumberInput label={t("budget.money")} description={t("budget.now", { value: formatMoney(seen.monthly_cost_microusd), standard: formatMoney(seen.default_monthly_cost_microusd) })} required min={0} max={1_000_000} decimalScale={6} thousandSeparator=" " prefix="$ " value={dollars} onChange={setDollars} />
        <Reason />
        {save.error !== null && <Problem error={save.error} />}
        {stale && (
          <Group justify="space-between">
            <Text size="sm">{t("stale")}</Text>
            <Button size="xs" variant="default" onClick={() => setEtag(seen.etag)}>
              {t("goOn")}
            </Button>
          </Group>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={save.isPending}>
            {common("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
