import { IconAlertCircle, IconCheck, IconPlugX, IconUnlink } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { data, fanfare, type Schemas } from "../../api";
import { Mark } from "../../components/Mark";
import { complain } from "../../lib/act";

export type Integration = Schemas["Integration"];
type SignInPlatform = Schemas["DashboardSettings"]["platforms"][number];

const looks = { active: ["green", IconCheck], expiring: ["orange", IconAlertCircle], needs_reauth: ["red", IconPlugX], disconnected: ["gray", IconUnlink] } as const;

/** Whether an account works. */
export function Health({ integration }: { integration: Integration }) {
  const { t } = useTranslation("connections");
  const { status } = integration.health;
  const [color, icon] = looks[status];
  return (
    <Mark color={color} icon={icon}>
      {t(`status.${status}`)}
    </Mark>
  );
}

/** Sends the browser to a platform's consent page, from which it comes back to this page. */
export async function signInAt(customerId: string, platform: SignInPlatform): Promise<void> {
  try {
    const { authorize_url } = await data(
      fanfare.GET("/v1/customers/{customer_id}/integrations/{platform}/connect", { params: { path: { customer_id: customerId, platform }, query: { return_to: window.location.origin + window.location.pathname } } }),
    );
    window.location.assign(authorize_url);
  } catch (error) {
    complain(error);
  }
}
