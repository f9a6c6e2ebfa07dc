import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, paginate } from "../api";
import { AuditLog, type Actor } from "../components/AuditLog";
import { Page } from "../components/Page";
import { Skeletons } from "../components/Skeletons";
import { download, fileName } from "../lib/download";
import { useCustomer, useCustomerId, useMe } from "../shell/customer";
import { today } from "./reports/range";

/** What happened in a customer: who changed what, and when. For owners and admins. */
export default function Audit() {
  const { t } = useTranslation("audit");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const me = useMe();
  const allowed = customer?.role === "owner" || customer?.role === "admin" || (me !== undefined && me.system_role !== null);
  const path = { customer_id: customerId };
  const actors = useQuery({
    queryKey: [...customerKey(customerId), "audit", "actors"],
    queryFn: async () => {
      const found: Actor[] = [];
      for await (const member of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/members", { params: { path, query: { cursor, limit: 100 } } }))) found.push({ id: member.user_id, name: member.name ?? member.email ?? member.user_id });
      const keys = await data(fanfare.GET("/v1/customers/{customer_id}/api-keys", { params: { path, query: { limit: 100 } } }));
      const tokens = await data(fanfare.GET("/v1/customers/{customer_id}/agent-tokens", { params: { path, query: { limit: 100 } } }));
      for (const key of [...keys.items, ...tokens.items]) found.push({ id: key.id, name: key.name });
      return found;
    },
    enabled: allowed,
    staleTime: 300_000,
  });
  return (
    <Page title={t("title")} text={t("text")}>
      {customer === undefined || me === undefined ? (
        <Skeletons />
      ) : allowed ? (
        <AuditLog
          queryKey={[...customerKey(customerId), "audit", "list"]}
          load={(filters, cursor) => fanfare.GET("/v1/customers/{customer_id}/audit", { params: { path, query: { ...filters, cursor, limit: 50 } } })}
          actors={actors.data ?? []}
          save={(filters, format, { from, to }) =>
            download(fileName(format, "audit", customer.name, from, to ?? today(customer.time_zone)), () => fanfare.GET("/v1/customers/{customer_id}/audit/export", { params: { path, query: { ...filters, format } }, headers: { Accept: format === "csv" ? "text/csv" : "application/x-ndjson" }, parseAs: "stream" }))
          }
        />
      ) : (
        <Alert color="gray" title={t("forbidden.title")}>
          {t("forbidden.text")}
        </Alert>
      )}
    </Page>
  );
}
