import { useTranslation } from "react-i18next";
import { AddressTabs } from "../components/AddressTabs";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { Skeletons } from "../components/Skeletons";
import { useQuery } from "@tanstack/react-query";
import { customerKey, fanfare, versioned } from "../api";
import { useCustomerId, useMay } from "../shell/customer";
import { Ending } from "./settings/Ending";
import { Exports } from "./settings/Exports";
import { General } from "./settings/General";

/** What a customer is, how its posts are approved, its exports, and its end. */
export default function Settings() {
  const { t } = useTranslation("settings");
  const customerId = useCustomerId();
  const admin = useMay("viewer");
  const customer = useQuery({ queryKey: [...customerKey(customerId), "settings"], queryFn: () => versioned(fanfare.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: customerId } } })), enabled: admin });
  const seen = customer.data;
  return (
    <Page title={t("title")}>
      {customer.isError ? (
        <Problem error={customer.error} retry={() => void customer.refetch()} />
      ) : seen === undefined ? (
        <Skeletons />
      ) : (
        <AddressTabs
          label={t("title")}
          tabs={[
            { key: "general", title: t("tabs.general"), content: () => <General key={seen.id} seen={seen} /> },
            { key: "exports", title: t("tabs.exports"), content: () => <Exports customer={seen} /> },
            { key: "ending", title: t("tabs.ending"), content: () => <Ending customer={seen} /> },
          ]}
        />
      )}
    </Page>
  );
}
