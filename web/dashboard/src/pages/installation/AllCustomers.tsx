import { Group, Stack, Switch, Text } from "@mantine/core";
import { IconBuildingStore } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fanfare, type Customer } from "../../api";
import { Badged } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { useAddress } from "../../lib/address";

/** All customers, also the archived ones if they are asked for. */
export function AllCustomers() {
  const { t } = useTranslation("installation");
  const { t: common } = useTranslation();
  const navigate = useNavigate();
  const { get, set } = useAddress();
  const archived = get("only") === "archived";
  const pages = usePages<Customer>(["customers", "installation", archived], (cursor) => fanfare.GET("/v1/customers", { params: { query: { cursor, limit: 50, archived } } }));
  return (
    <Stack>
      <Switch label={t("customers.archived")} checked={archived} onChange={(event) => set({ only: event.currentTarget.checked ? "archived" : undefined })} />
      <Records<Customer>
        label={t("tabs.customers")}
        pages={pages}
        rowKey={(customer) => customer.id}
        open={(customer) => void navigate({ to: "/customers/$customerId", params: { customerId: customer.id } })}
        columns={[
          {
            title: common("name"),
            cell: (customer) => (
              <Group gap="xs">
                <Text size="sm" fw={500}>
                  {customer.name}
                </Text>
                {customer.archived_at !== null && <Badged look="archived" word={t("customers.isArchived")} />}
              </Group>
            ),
          },
          { title: t("customers.role"), cell: (customer) => (customer.role === null ? "–" : common(`role.${customer.role}`)) },
          { title: t("customers.zone"), cell: (customer) => customer.time_zone },
          { title: t("customers.since"), cell: (customer) => <When at={customer.created_at} date /> },
        ]}
        empty={<Empty icon={IconBuildingStore} title={t("customers.empty.title")} text={t("customers.empty.text")} />}
      />
    </Stack>
  );
}
