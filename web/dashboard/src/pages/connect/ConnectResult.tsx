import { Alert } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useAddress } from "../../lib/address";

/** What comes back from a consent page: the API's own words for it. */
const results = [
  "", "connected", "choose", "access_denied", "platform_error", "state_missing", "state_unknown", "state_used", "state_expired", "wrong_platform", "wrong_browser", "issuer_mismatch", "code_missing",
  "code_refused", "platform_unavailable", "platform_answer_invalid", "platform_misconfigured", "scopes_missing", "no_accounts", "not_allowed", "unavailable", "internal",
] as const;

/** What came of a way to a consent page and back, as the address tells. */
export function ConnectResult({ name }: { /** What was signed in to. */ name: string }) {
  const { t } = useTranslation("connections");
  const { t: common } = useTranslation();
  const address = useAddress();
  const result = address.one("connect", results);
  if (result === "" || result === "choose") return null;
  const good = result === "connected";
  return (
    <Alert
      role={good ? "status" : "alert"}
      color={good ? "green" : "orange"}
      icon={good ? <IconCheck aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={name === "" ? t(`result.${result}.title`) : `${name}: ${t(`result.${result}.title`)}`}
      withCloseButton
      closeButtonLabel={common("close")}
      onClose={() => address.set({ connect: "", platform: "", connect_session: "", mcp_server: "" })}
    >
      {t(`result.${result}.text`)}
    </Alert>
  );
}
