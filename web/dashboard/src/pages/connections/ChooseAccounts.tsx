import { Alert, Anchor, Badge, Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { useCustomerId } from "../../shell/customer";
import { Form } from "../connect/form";

/** Chooses which accounts of a sign-in are connected, where it has several. */
export function ChooseAccounts({ sessionId, done, again }: { sessionId: string; done: () => void; again: (platform: "twitter" | "linkedin" | "facebook" | "mailchimp") => void }) {
  const { t } = useTranslation("connections");
  const customerId = useCustomerId();
  const [chosen, setChosen] = useState<string[]>();
  const path = { customer_id: customerId, connect_session_id: sessionId };
  const session = useQuery({ enabled: sessionId !== "", queryKey: [...customerKey(customerId), "connect-session", sessionId], queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/connect-sessions/{connect_session_id}", { params: { path } })) });
  const choose = useAct(customerId, (ids: string[]) => data(fanfare.POST("/v1/customers/{customer_id}/connect-sessions/{connect_session_id}/accounts", { params: { path }, body: { external_ids: ids } })), {
    done: (connected) => t("choose.done", { count: connected.items.length }),
    quiet: true,
  });
  if (session.isError) return <Problem error={session.error} retry={() => void session.refetch()} />;
  if (session.data === undefined) return <Skeletons rows={3} />;
  const { state, accounts, platform, expires_at } = session.data;
  if (state !== "choosing")
    return (
      <Stack>
        <Alert color={state === "connected" ? "green" : "orange"}>{state === "connected" ? t("choose.already") : t("choose.over")}</Alert>
        <Group justify="flex-end">{state === "connected" ? <Button onClick={done}>{t("choose.toAccounts")}</Button> : <Button onClick={() => again(platform)}>{t("again")}</Button>}</Group>
      </Stack>
    );
  const ids = chosen ?? accounts.map((account) => account.external_id);
  return (
    <Form label={t("choose.button", { count: ids.length })} disabled={ids.length === 0} busy={choose.isPending} error={choose.error} submit={() => choose.mutate(ids, { onSuccess: done })}>
      <Text size="sm">
        {t("choose.text", { platform: platforms[platform].name })} <When at={expires_at} />
      </Text>
      <Checkbox.Group label={t("choose.accounts")} value={ids} onChange={setChosen}>
        <Stack gap="sm" mt="xs">
          {accounts.map((account) => (
            <Group key={account.external_id} gap="xs" align="flex-start">
              <Checkbox value={account.external_id} label={account.name} description={t(`kind.${account.kind}`)} />
              {account.connected && (
                <Badge variant="light" color="gray" tt="none">
                  {t("choose.connected")}
                </Badge>
              )}
              {/^https?:\/\//.test(account.url) && (
                <Anchor size="xs" href={account.url} target="_blank" rel="noreferrer" underline="always" aria-label={t("choose.look", { name: account.name })}>
                  {new URL(account.url).hostname}
                </Anchor>
              )}
            </Group>
          ))}
        </Stack>
      </Checkbox.Group>
    </Form>
  );
}
