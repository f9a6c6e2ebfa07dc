import { Button, PasswordInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconKey, IconPlus, IconShare, IconUser, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Empty } from "../../components/Empty";
import { Mark } from "../../components/Mark";
import { Panel } from "../../components/Panel";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { trimmed } from "../../lib/name";
import { useCustomerId, useMay } from "../../shell/customer";
import { Form, useForm } from "./form";

type Credential = Schemas["Credential"];
type Provider = Schemas["LLMKey"]["provider"];
const providers: Record<Provider, string> = { anthropic: "Anthropic", gemini: "Google Gemini", openai: "OpenAI" };

const ofCustomer = "/v1/customers/{customer_id}/credentials";
const ofSpace = "/v1/customers/{customer_id}/spaces/{space_id}/credentials";

/** The keys of language models that somebody has given: for the whole customer, or in a space. */
export function Credentials({ spaceId }: { spaceId?: string }) {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const [opened, setOpened] = useState<Credential | "new">();
  const path = { customer_id: customerId };
  const pages = usePages([...customerKey(customerId), "credentials", spaceId ?? ""], (cursor) =>
    spaceId === undefined ? fanfare.GET(ofCustomer, { params: { path, query: { cursor } } }) : fanfare.GET(ofSpace, { params: { path: { ...path, space_id: spaceId }, query: { cursor } } }),
  );
  const remove = useAct(
    customerId,
    (id: string) =>
      spaceId === undefined
        ? data(fanfare.DELETE(`${ofCustomer}/{credential_id}`, { params: { path: { ...path, credential_id: id } } }))
        : data(fanfare.DELETE(`${ofSpace}/{credential_id}`, { params: { path: { ...path, space_id: spaceId, credential_id: id } } })),
    { done: () => t("keysOf.removed"), quiet: true },
  );
  const setShared = (id: string, shared: boolean) => data(fanfare.PATCH(`${ofSpace}/{credential_id}`, { params: { path: { ...path, space_id: spaceId ?? "", credential_id: id } }, body: { shared } }));
  const share = useAct(customerId, ({ id, shared }: { id: string; shared: boolean }) => setShared(id, shared), {
    done: (credential) => (credential.shared ? t("keysOf.sharedNow") : t("keysOf.sharedNoMore")),
    undo: (_, { id, shared }) => setShared(id, !shared),
  });
  const add = may && (
    <Button variant="default" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpened("new")} style={{ alignSelf: "flex-start" }}>
      {t("keysOf.add")}
    </Button>
  );
  const full = spaceId === undefined && (pages.items?.length ?? 0) > 0;
  return (
    <Stack>
      <Text size="sm" c="dimmed" maw={640}>
        {spaceId === undefined ? t("keysOf.text") : t("keysOf.textSpace")}
      </Text>
      <Records<Credential>
        label={t("keysOf.title")}
        pages={pages}
        rowKey={(credential) => credential.id}
        columns={[
          { title: common("name"), cell: (credential) => <Text size="sm" fw={500}>{credential.name}</Text> },
          { title: t("keysOf.for"), cell: (credential) => (credential.provider === null ? t("keysOf.mcp") : `${providers[credential.provider]}, ${credential.model ?? ""}`) },
          { title: t("keysOf.secret"), cell: (credential) => (credential.hint === "" ? "–" : `…${credential.hint}`) },
          {
            title: t("keysOf.owner"),
            cell: (credential) => (
              <Mark color={credential.owner === "me" ? "accent" : "gray"} icon={credential.shared ? IconShare : credential.owner === "me" || credential.owner === "person" ? IconUser : IconUsers}>
                {t(`keysOf.owners.${credential.owner}`)}
                {credential.shared && `, ${t("keysOf.shared")}`}
              </Mark>
            ),
          },
          { title: t("keysOf.address"), cell: (credential) => (credential.base_url === "" ? t("keysOf.providers") : credential.base_url) },
          { title: t("since"), cell: (credential) => <When at={credential.created_at} date /> },
        ]}
        actions={
          may
            ? (credential) => (
                <>
                  {spaceId !== undefined && (credential.owner === "me" || (credential.owner === "person" && credential.shared)) && (
                    <Button size="xs" variant="default" mr="xs" loading={share.isPending} onClick={() => share.mutate({ id: credential.id, shared: !credential.shared })}>
                      {credential.shared ? t("keysOf.unshare") : t("keysOf.share")}
                    </Button>
                  )}
                  {credential.kind === "llm" && credential.owner !== "person" && (
                    <Button size="xs" variant="default" mr="xs" onClick={() => setOpened(credential)}>
                      {common("edit")}
                    </Button>
                  )}
                  <Confirm size="xs" title={t("keysOf.remove.title", { name: credential.name })} text={t("keysOf.remove.text")} confirm={common("remove")} act={() => remove.mutateAsync(credential.id)}>
                    {common("remove")}
                  </Confirm>
                </>
              )
            : undefined
        }
        empty={<Empty icon={IconKey} title={t("keysOf.empty.title")} text={spaceId === undefined ? t("keysOf.empty.text") : t("keysOf.empty.textSpace")} action={add} />}
      />
      {(pages.items?.length ?? 0) > 0 && !full && add}
      <Panel title={opened === "new" ? t("keysOf.add") : common("edit")} opened={opened !== undefined} onClose={() => setOpened(undefined)} size="md">
        {opened === "new" ? <NewKey spaceId={spaceId} done={() => setOpened(undefined)} /> : opened !== undefined && <EditKey credential={opened} spaceId={spaceId} done={() => setOpened(undefined)} />}
      </Panel>
    </Stack>
  );
}

function NewKey({ spaceId, done }: { spaceId: string | undefined; done: () => void }) {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm<{ name: string; provider: Provider; model: string; key: string; base_url: string; owner: "me" | "space" }>({ name: "", provider: "anthropic", model: "", key: "", base_url: "", owner: "space" });
  const give = useAct(
    customerId,
    () => {
      const { owner, base_url, ...rest } = form.value;
      const body = { ...trimmed(rest), ...(base_url === "" ? {} : { base_url }) };
      const path = { customer_id: customerId };
      return spaceId === undefined ? data(fanfare.POST(ofCustomer, { params: { path }, body })) : data(fanfare.POST(ofSpace, { params: { path: { ...path, space_id: spaceId } }, body: { ...body, owner } }));
    },
    { done: () => t("keysOf.added"), quiet: true },
  );
  return (
    <Form label={common("add")} submit={() => give.mutate(undefined, { onSuccess: done })} error={give.error} busy={give.isPending}>
      <TextInput label={common("name")} required maxLength={100} data-autofocus {...form.text("name")} />
      {spaceId !== undefined && (
        <Select label={t("keysOf.owner")} description={t("keysOf.ownerHint")} data={(["space", "me"] as const).map((value) => ({ value, label: t(`keysOf.owners.${value}`) }))} value={form.value.owner} allowDeselect={false} onChange={(value) => value !== null && form.set("owner", value)} />
      )}
      <Select label={t("keysOf.provider")} description={t("keysOf.providerHint")} data={(Object.keys(providers) as Provider[]).map((value) => ({ value, label: providers[value] }))} value={form.value.provider} allowDeselect={false} onChange={(value) => value !== null && form.set("provider", value)} />
      <TextInput label={t("keysOf.model")} description={t("keysOf.modelHint")} required maxLength={200} {...form.text("model")} />
      <PasswordInput label={t("keysOf.key")} description={t("keysOf.keyHint")} required minLength={8} maxLength={4000} autoComplete="off" {...form.text("key")} />
      <TextInput label={`${t("keysOf.address")} (${common("optional")})`} description={t("keysOf.addressHint")} type="url" maxLength={2000} {...form.text("base_url")} />
    </Form>
  );
}

function EditKey({ credential, spaceId, done }: { credential: Credential; spaceId: string | undefined; done: () => void }) {
  const { t } = useTranslation("agents");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const form = useForm({ name: credential.name, model: credential.model ?? "", key: "" });
  const save = useAct(
    customerId,
    () => {
      const { name, model, key } = form.value;
      const body = { ...(name === credential.name ? {} : { name: name.trim() }), ...(model === credential.model ? {} : { model }), ...(key === "" ? {} : { key }) };
      const path = { customer_id: customerId, credential_id: credential.id };
      return spaceId === undefined ? data(fanfare.PATCH(`${ofCustomer}/{credential_id}`, { params: { path }, body })) : data(fanfare.PATCH(`${ofSpace}/{credential_id}`, { params: { path: { ...path, space_id: spaceId } }, body }));
    },
    { done: () => common("saved"), quiet: true },
  );
  return (
    <Form label={common("save")} submit={() => save.mutate(undefined, { onSuccess: done })} error={save.error} busy={save.isPending}>
      <TextInput label={common("name")} required maxLength={100} {...form.text("name")} />
      <TextInput label={t("keysOf.model")} required maxLength={200} {...form.text("model")} />
      <PasswordInput label={`${t("keysOf.newKey")} (${common("optional")})`} description={t("keysOf.keyHint")} minLength={8} maxLength={4000} autoComplete="off" {...form.text("key")} />
    </Form>
  );
}
