import { Alert } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../api";
import { AddressTabs } from "../components/AddressTabs";
import { Page } from "../components/Page";
import { Skeletons } from "../components/Skeletons";
import { useMe } from "../shell/customer";
import { AllCustomers } from "./installation/AllCustomers";
import { AllUsage } from "./installation/AllUsage";
import { AllWorkspaces } from "./installation/AllWorkspaces";
import { Erasures } from "./installation/Erasures";
import { InstallationAudit } from "./installation/InstallationAudit";
import { River } from "./installation/River";

/** The whole installation, for people with a system role. */
export default function Installation() {
  const { t } = useTranslation("installation");
  const me = useMe();
  return (
    <Page title={t("title")} text={t("text")} actions={me?.system_role === "admin" && apiUrl === window.location.origin && <River />}>
      {me === undefined ? (
        <Skeletons />
      ) : me.system_role === null ? (
        <Alert color="gray" title={t("forbidden.title")}>
          {t("forbidden.text")}
        </Alert>
      ) : (
        <AddressTabs
          label={t("title")}
          tabs={[
            { key: "customers", title: t("tabs.customers"), content: () => <AllCustomers /> },
            { key: "usage", title: t("tabs.usage"), content: () => <AllUsage /> },
            { key: "workspaces", title: t("tabs.workspaces"), content: () => <AllWorkspaces /> },
            { key: "audit", title: t("tabs.audit"), content: () => <InstallationAudit /> },
            { key: "erasures", title: t("tabs.erasures"), content: () => <Erasures /> },
          ]}
        />
      )}
    </Page>
  );
}
