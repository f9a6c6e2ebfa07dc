import { Combobox, InputBase, ScrollArea, Text, useCombobox } from "@mantine/core";
import { IconSelector } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare } from "../api";
import { useCustomer } from "./customer";

/** The customer whose pages are shown, and the way to another one; always in the same place. */
export function CustomerSwitcher() {
  const { t } = useTranslation("shell");
  const current = useCustomer();
  const navigate = useNavigate();
  const [search, setSearch] = useState("");
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setSearch("");
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  });
  const customers = useQuery({ queryKey: ["customers", "switcher"], queryFn: () => data(fanfare.GET("/v1/customers", { params: { query: { limit: 100 } } })), enabled: combobox.dropdownOpened, staleTime: 60_000 });
  const found = (customers.data?.items ?? []).filter((customer) => customer.name.toLocaleLowerCase().includes(search.trim().toLocaleLowerCase()));
  return (
    <Combobox
      store={combobox}
      withinPortal
      onOptionSubmit={(value) => {
        combobox.closeDropdown();
        void (value === "" ? navigate({ to: "/customers" }) : navigate({ to: "/customers/$customerId", params: { customerId: value } }));
      }}
    >
      <Combobox.Target targetType="button">
        <InputBase component="button" type="button" pointer rightSection={<IconSelector size={16} aria-hidden />} rightSectionPointerEvents="none" onClick={() => combobox.toggleDropdown()} aria-label={t("switch", { customer: current?.name ?? t("chooseCustomer") })}>
          <Text span truncate fw={600} size="sm" display="block">
            {current?.name ?? t("chooseCustomer")}
          </Text>
        </InputBase>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search value={search} onChange={(event) => setSearch(event.currentTarget.value)} placeholder={t("searchCustomers")} aria-label={t("searchCustomers")} />
        <Combobox.Options aria-label={t("customers")}>
          <ScrollArea.Autosize mah={280} viewportProps={{ tabIndex: -1 }}>
            {found.map((customer) => (
              <Combobox.Option key={customer.id} value={customer.id} active={customer.id === current?.id}>
                {customer.name}
              </Combobox.Option>
            ))}
            <Combobox.Option value="">{t("allCustomers")}</Combobox.Option>
          </ScrollArea.Autosize>
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
