import { useTranslation } from "react-i18next";
import { AddressTabs } from "../components/AddressTabs";
import { Page } from "../components/Page";
import { Budget } from "./usage/Budget";
import { Limits } from "./usage/Limits";
import { Used } from "./usage/Used";

/** What a customer uses, and what it may use at most. */
export default function Usage() {
  const { t } = useTranslation("usage");
  return (
    <Page title={t("title")} text={t("text")}>
      <AddressTabs
        label={t("title")}
        tabs={[
          { key: "used", title: t("tabs.used"), content: () => <Used /> },
          { key: "budget", title: t("tabs.budget"), content: () => <Budget /> },
          { key: "limits", title: t("tabs.limits"), content: () => <Limits /> },
        ]}
      />
    </Page>
  );
}
