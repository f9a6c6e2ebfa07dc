import { TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { adminReason } from "../api";
import { useStore } from "../lib/store";

/** Why a system admin acts, or looks; it goes with every request and is kept in the audit log. */
export function Reason({ looking = false }: { looking?: boolean }) {
  const { t } = useTranslation("shell");
  const reason = useStore(adminReason);
  return <TextInput label={t(looking ? "admin.lookReason" : "admin.reason")} required maxLength={400} value={reason} onChange={(event) => adminReason.set(event.currentTarget.value)} />;
}
