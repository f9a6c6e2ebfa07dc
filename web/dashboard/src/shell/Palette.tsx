import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import "@mantine/spotlight/styles.layer.css";
import { IconPencilPlus, IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare } from "../api";
import { useCustomerId, useNoCustomer } from "./customer";
import { customerPages, customersPage } from "./nav";
import { ShortcutHelp } from "./shortcuts";

/** The palette of commands: every page, every customer, a new post. */
export default function Palette() {
  const { t } = useTranslation("shell");
  const asked = useCustomerId();
  const customerId = useNoCustomer() ? "" : asked;
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const customers = useQuery({ queryKey: ["customers", "switcher"], queryFn: () => data(fanfare.GET("/v1/customers", { params: { query: { limit: 100 } } })), enabled: opened, staleTime: 60_000 });
  const actions: SpotlightActionData[] = [];
  if (customerId !== "") {
    actions.push({ id: "new", label: t("shortcuts.newPost"), leftSection: <IconPencilPlus size={18} aria-hidden />, onClick: () => void navigate({ to: "/customers/$customerId/posts/new", params: { customerId } }) });
    for (const page of customerPages) actions.push({ id: page.key, label: t(`page.${page.key}`), leftSection: <page.icon size={18} aria-hidden />, onClick: () => void navigate({ to: page.path, params: { customerId } }) });
  }
  for (const customer of customers.data?.items ?? [])
    actions.push({ id: customer.id, label: customer.name, description: t("palette.customer"), leftSection: <customersPage.icon size={18} aria-hidden />, onClick: () => void navigate({ to: "/customers/$customerId", params: { customerId: customer.id } }) });
  return (
    <>
      <Spotlight
        actions={actions}
        onSpotlightOpen={() => setOpened(true)}
        shortcut={["mod + K"]}
        limit={12}
        highlightQuery
        nothingFound={t("palette.nothing")}
        searchProps={{ leftSection: <IconSearch size={18} aria-hidden />, placeholder: t("palette.search"), "aria-label": t("palette.search") }}
      />
      <ShortcutHelp />
    </>
  );
}
