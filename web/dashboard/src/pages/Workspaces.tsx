import { Alert } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { AddressTabs, type AddressTab } from "../components/AddressTabs";
import { Page } from "../components/Page";
import { Skeletons } from "../components/Skeletons";
import { useAddress } from "../lib/address";
import { settings } from "../settings";
import { useCustomer } from "../shell/customer";
import { useSees } from "./connect/access";
import { Backups } from "./workspaces/Backups";
import { Drills } from "./workspaces/Drills";
import { Files } from "./workspaces/Files";
import { Keeping } from "./workspaces/Keeping";
import { List } from "./workspaces/List";
import { Restores } from "./workspaces/Restores";

type Tab = "files" | "keeping" | "backups" | "restores" | "drills";

/** Files of a customer and of its spaces, how long they are kept, and their backups. */
export default function Workspaces() {
  const { t } = useTranslation("workspaces");
  const customer = useCustomer();
  const manages = useSees();
  const { get } = useAddress();
  const { workspaces, backups } = settings();
  if (!workspaces)
    return (
      <Page title={t("title")}>
        <Alert color="gray" title={t("off.title")}>
          {t("off.text")}
        </Alert>
      </Page>
    );
  const tabs: [AddressTab<Tab>, ...AddressTab<Tab>[]] = [
    { key: "files", title: t("tabs.files"), content: () => (get("workspace") === "" ? <List /> : <Files key={get("workspace")} workspaceId={get("workspace")} />) },
  ];
  if (manages) tabs.push({ key: "keeping", title: t("tabs.keeping"), content: () => <Keeping /> });
  if (manages && backups) tabs.push({ key: "backups", title: t("tabs.backups"), content: () => <Backups /> }, { key: "restores", title: t("tabs.restores"), content: () => <Restores /> }, { key: "drills", title: t("tabs.drills"), content: () => <Drills /> });
  return (
    <Page title={t("title")} text={t("text")}>
      {customer === undefined ? <Skeletons /> : <AddressTabs label={t("title")} tabs={tabs} />}
    </Page>
  );
}
