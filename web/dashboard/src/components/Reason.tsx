import { TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { adminReason } from "../api";
import { useStore } from "../lib/store";

/** Why a system admin acts; it goes with every change and is kept in the audit log. */
export function Reason() {
  const { t } = useTranslation("shell");
  const reason = useStore(adminReason);
  return <TextInput label={t("admin.reason")} required maxLength={400} value={reason} onChange={(event) => adminReason.set(event.currentTarget.value)} />;
}
