import { Badge, Button, Drawer, Group, Select, Stack, Text, TextInput, Textarea } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconBuildingStore, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare, paginate, queryClient, type Customer, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { Records, usePages } from "../components/Records";
import { When } from "../components/When";
import { LanguageSelect } from "../components/LanguageSelect";
import { useDraft } from "../lib/draft";
import { trimmed } from "../lib/name";
import { viewerZone } from "../lib/time";

/** All customers of whoever is signed in. */
export default function Customers() {
  const { t } = useTranslation("home");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const [opened, { open, close }] = useDisclosure();
  const pages = usePages(["customers", "list"], (cursor) => fanfare.GET("/v1/customers", { params: { query: { cursor } } }));
  const health = useHealth();
  const make = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
      {t("customers.new")}
    </Button>
  );
  return (
    <Page title={t("customers.title")} actions={make}>
      <Records<Customer>
        label={t("customers.title")}
        pages={pages}
        rowKey={(customer) => customer.id}
        open={(customer) => void navigate({ to: "/customers/$customerId", params: { customerId: customer.id } })}
        columns={[
          { title: common("name"), cell: (customer) => <Text fw={500}>{customer.name}</Text> },
          { title: t("customers.role"), cell: (customer) => (customer.role === null ? <Badge color="orange" variant="light" tt="none">{t("customers.systemRole")}</Badge> : common(`role.${customer.role}`)) },
          { title: t("customers.health.title"), cell: (customer) => <Health customer={customer} health={health?.get(customer.id)} /> },
          { title: t("customers.health.next"), cell: (customer) => <NextPost health={health?.get(customer.id)} /> },
          { title: t("customers.zone"), cell: (customer) => customer.time_zone },
        ]}
        empty={<Empty icon={IconBuildingStore} title={t("customers.empty.title")} text={t("customers.empty.text")} action={make} />}
      />
      <Drawer opened={opened} onClose={close} title={t("customers.new")} closeButtonProps={{ "aria-label": common("close") }}>
        <NewCustomer />
      </Drawer>
    </Page>
  );
}

type Standing = Schemas["CustomerHealth"];

/** How all of one's customers stand, by id; undefined while it is fetched. */
function useHealth(): Map<string, Standing> | undefined {
  const all = useQuery({
    queryKey: ["customers", "health"],
    queryFn: async () => {
      const found: Standing[] = [];
      for await (const one of paginate((cursor) => fanfare.GET("/v1/customer-health", { params: { query: { limit: 100, cursor } } }))) found.push(one);
      return found;
    },
    refetchInterval: 60_000,
  }).data;
  return useMemo(() => all && new Map(all.map((one) => [one.customer_id, one])), [all]);
}

/** What needs a person in a customer. */
function Health({ customer, health }: { customer: Customer; health: Standing | undefined }) {
  const { t } = useTranslation("home");
  const badge = (color: string, text: string) => (
    <Badge key={text} variant="light" color={color} tt="none" fw={500}>
      {text}
    </Badge>
  );
  if (customer.archived_at !== null) return badge("gray", t("customers.health.archived"));
  if (health === undefined) return null;
  const { waiting, problems, accounts } = health;
  if (waiting + problems + accounts === 0) return badge("green", t("customers.health.fine"));
  return (
    <Group gap={4}>
      {problems > 0 && badge("red", t("customers.health.problems", { count: problems }))}
      {accounts > 0 && badge("orange", t("customers.health.accounts", { count: accounts }))}
      {waiting > 0 && badge("violet", t("customers.health.waiting", { count: waiting }))}
    </Group>
  );
}

function NextPost({ health }: { health: Standing | undefined }) {
  const { t } = useTranslation("home");
  if (health === undefined) return null;
  if (health.next_post_at !== null) return <When at={health.next_post_at} relative />;
  return (
    <Text span size="sm" c="dimmed">
      {t("customers.health.nothing")}
    </Text>
  );
}

function NewCustomer() {
  const { t, i18n } = useTranslation("home");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const draft = useDraft("customer", { name: "", description: "", language: i18n.language, time_zone: viewerZone });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const customer = await data(fanfare.POST("/v1/customers", { body: trimmed(draft.value) }));
      draft.clear();
      await queryClient.invalidateQueries({ queryKey: ["customers"] });
      await navigate({ to: "/customers/$customerId", params: { customerId: customer.id } });
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const set = (field: keyof typeof draft.value) => (value: string) => draft.set((before) => ({ ...before, [field]: value }));
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput label={common("name")} required maxLength={200} value={draft.value.name} onChange={(event) => set("name")(event.currentTarget.value)} data-autofocus />
        <Textarea label={t("customers.description")} description={t("customers.descriptionHint")} autosize minRows={3} value={draft.value.description} onChange={(event) => set("description")(event.currentTarget.value)} />
        <Select label={t("customers.zone")} searchable data={Intl.supportedValuesOf("timeZone")} value={draft.value.time_zone} onChange={(value) => set("time_zone")(value ?? viewerZone)} allowDeselect={false} />
        <LanguageSelect label={t("customers.language")} value={draft.value.language} onChange={set("language")} />
        {error !== undefined && <Problem error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            {common("create")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
