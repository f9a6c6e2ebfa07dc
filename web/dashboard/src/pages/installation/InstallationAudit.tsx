import { Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { fanfare } from "../../api";
import { AuditLog } from "../../components/AuditLog";
import { useMe } from "../../shell/customer";

/** What happened outside of customers: people, system roles, refused attempts of strangers. */
export function InstallationAudit() {
  const { t } = useTranslation("installation");
  const me = useMe();
  return (
    <Stack>
      <Text size="sm">{t("audit.text")}</Text>
      <AuditLog
        queryKey={["installation", "audit"]}
        load={(filters, cursor) => fanfare.GET("/v1/audit", { params: { query: { ...filters, cursor, limit: 50 } } })}
        actors={me === undefined ? [] : [{ id: me.id, name: me.name ?? me.email ?? me.id }]}
      />
    </Stack>
  );
}
