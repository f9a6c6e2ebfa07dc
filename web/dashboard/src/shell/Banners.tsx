import { Alert, Anchor, Group, Text, TextInput } from "@mantine/core";
import { IconCloudOff, IconFlask, IconShieldCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { adminReason } from "../api";
import { reachable } from "../lib/reachable";
import { useStore } from "../lib/store";
import { settings } from "../settings";
import { useCustomer, useMe } from "./customer";

/** What everybody must know who looks at a page: the server is away, this is a development installation, a system admin acts in somebody else's customer. */
export function Banners() {
  const { t } = useTranslation("shell");
  const away = useStore(reachable.away);
  const reason = useStore(adminReason);
  const customer = useCustomer();
  const me = useMe();
  const { development } = settings();
  return (
    <>
      {away && (
        <Alert radius={0} color="red" role="status" icon={<IconCloudOff aria-hidden />} title={t("away.title")}>
          {t("away.text")}
        </Alert>
      )}
      {customer?.role === null && me !== undefined && me.system_role !== null && (
        <Alert radius={0} color="orange" icon={<IconShieldCheck aria-hidden />} title={t("admin.title", { customer: customer.name })}>
          <Group align="flex-end" gap="sm">
            <Text size="sm">{me.system_role === "admin" ? t("admin.text") : t("admin.readOnly")}</Text>
            {me.system_role === "admin" && <TextInput size="xs" w={300} maxLength={400} aria-label={t("admin.reason")} placeholder={t("admin.reason")} value={reason} onChange={(event) => adminReason.set(event.currentTarget.value)} />}
          </Group>
        </Alert>
      )}
      {development !== null && (
        <Group gap={6} px="md" py={4} wrap="nowrap" align="flex-start" style={{ borderBottom: "1px solid var(--mantine-color-default-border)" }}>
          <IconFlask size={14} aria-hidden style={{ flex: "none", marginTop: 2 }} />
          <Text size="xs">
            {t("development.text")}{" "}
            <Anchor inherit href={development.sandbox_url} target="_blank" rel="noreferrer" underline="always">
              {t("development.sandbox")}
            </Anchor>
          </Text>
        </Group>
      )}
    </>
  );
}
