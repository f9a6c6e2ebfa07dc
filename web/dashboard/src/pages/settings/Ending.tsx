import { Alert, Button, List, Paper, Stack, Text, Title } from "@mantine/core";
import { IconArchive, IconArchiveOff, IconLock, IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { changed, data, fanfare, queryClient } from "../../api";
import { Confirm } from "../../components/Confirm";
import { tell, useAct } from "../../lib/act";
import { rememberCustomer } from "../../shell/last";
import { useMe } from "../../shell/customer";
import { usePolicy } from "../workspaces/List";
import type { Seen } from "./General";

/** Archiving, taking back into use, and erasing. Owners may. */
export function Ending({ customer }: { customer: Seen }) {
  const { t } = useTranslation("settings");
  const navigate = useNavigate();
  const me = useMe();
  const policy = usePolicy().data;
  const owner = customer.role === "owner" || (customer.role === null && me?.system_role === "admin");
  const path = { customer_id: customer.id };
  const header = { "If-Match": customer.etag };
  const again = async () => {
    await changed(customer.id);
    await queryClient.invalidateQueries({ queryKey: ["customers"] });
  };
  const archive = async () => {
    await data(fanfare.POST("/v1/customers/{customer_id}/archive", { params: { path, header } }));
    tell(t("archive.done"));
    await again();
  };
  const restore = useAct(customer.id, () => data(fanfare.POST("/v1/customers/{customer_id}/restore", { params: { path, header } })), { done: () => t("restore.done") });
  const erase = async () => {
    await data(fanfare.POST("/v1/customers/{customer_id}/erasure", { params: { path }, body: { name: customer.name } }));
    tell(t("erase.done"));
    rememberCustomer(null);
    await navigate({ to: "/preferences" });
    queryClient.removeQueries({ queryKey: ["customer", customer.id] });
    await queryClient.invalidateQueries({ queryKey: ["customers"] });
  };
  if (!owner) return <Alert color="gray">{t("byOwners")}</Alert>;
  return (
    <Stack gap="lg" maw={720}>
      {customer.archived_at === null ? (
        <Paper withBorder p="md">
          <Stack gap="sm" align="flex-start">
            <Title order={2}>{t("archive.title")}</Title>
            <Text size="sm">{t("archive.text")}</Text>
            <Confirm leftSection={<IconArchive size={16} aria-hidden />} title={t("archive.question", { customer: customer.name })} text={t("archive.text")} confirm={t("archive.action")} act={archive}>
              {t("archive.action")}
            </Confirm>
          </Stack>
        </Paper>
      ) : (
        <Paper withBorder p="md">
          <Stack gap="sm" align="flex-start">
            <Title order={2}>{t("restore.title")}</Title>
            <Text size="sm">{t("restore.text")}</Text>
            <Button leftSection={<IconArchiveOff size={16} aria-hidden />} loading={restore.isPending} onClick={() => restore.mutate(undefined, { onSuccess: () => void queryClient.invalidateQueries({ queryKey: ["customers"] }) })}>
              {t("restore.action")}
            </Button>
          </Stack>
        </Paper>
      )}
      <Paper withBorder p="md">
        <Stack gap="sm" align="flex-start">
          <Title order={2}>{t("erase.title")}</Title>
          <Erasing />
          {policy?.legal_hold === true ? (
            <Alert color="orange" icon={<IconLock aria-hidden />}>
              {t("erase.held")}
            </Alert>
          ) : customer.archived_at === null ? (
            <Text size="sm" c="dimmed">
              {t("erase.archiveFirst")}
            </Text>
          ) : (
            <Confirm color="red" variant="light" leftSection={<IconTrash size={16} aria-hidden />} title={t("erase.question", { customer: customer.name })} text={<Erasing />} confirm={t("erase.action")} word={customer.name} act={erase}>
              {t("erase.action")}
            </Confirm>
          )}
        </Stack>
      </Paper>
    </Stack>
  );
}

/** What an erasure deletes, and what it does not reach. */
function Erasing() {
  const { t } = useTranslation("settings");
  return (
    <Stack gap="xs">
      <Text size="sm">{t("erase.text")}</Text>
      <Text size="sm">{t("erase.notReached")}</Text>
      <List size="sm">
        <List.Item>{t("erase.backups")}</List.Item>
        <List.Item>{t("erase.published")}</List.Item>
        <List.Item>{t("erase.logs")}</List.Item>
        <List.Item>{t("erase.people")}</List.Item>
      </List>
      <Text size="sm">{t("erase.exportFirst")}</Text>
    </Stack>
  );
}
