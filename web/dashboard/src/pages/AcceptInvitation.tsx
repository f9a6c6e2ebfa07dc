import { Alert, Button, Group, List, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconMailOpened } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare, FanfareError, queryClient } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { tell } from "../lib/act";
import { invitation } from "../lib/invitation";
import { session } from "../session/session";
import { useMe } from "../shell/customer";

/** Where the link of an invitation leads: whoever has signed in becomes a member. */
export default function AcceptInvitation() {
  const { t } = useTranslation("members");
  const navigate = useNavigate();
  const me = useMe();
  const [token] = useState(invitation.token);
  const accept = useMutation({
    mutationFn: (token: string) => data(fanfare.POST("/v1/invitations/accept", { body: { token } })),
    onSuccess: async (joined) => {
      invitation.forget();
      tell(t("accept.accepted", { customer: joined.name }));
      await queryClient.invalidateQueries({ queryKey: ["customers"] });
      await navigate({ to: "/customers/$customerId", params: { customerId: joined.id }, replace: true });
    },
    onError: (error) => {
      if (error instanceof FanfareError && (error.status === 409 || error.status === 422)) invitation.forget();
    },
  });
  const customers = (
    <Button component={Link} to="/customers" variant="default" onClick={() => invitation.forget()}>
      {t("accept.customers")}
    </Button>
  );
  if (token === null)
    return (
      <Page title={t("accept.title")}>
        <Empty icon={IconMailOpened} title={t("accept.none.title")} text={t("accept.none.text")} action={customers} />
      </Page>
    );
  return (
    <Page title={t("accept.title")} text={me === undefined ? undefined : t("accept.text", { email: me.email ?? me.name ?? "" })}>
      <Stack maw={640}>
        {accept.isError && <Refusal error={accept.error} email={me?.email ?? ""} retry={() => accept.mutate(token)} />}
        <Group>
          <Button loading={accept.isPending} onClick={() => accept.mutate(token)}>
            {t("accept.button")}
          </Button>
          {customers}
          {accept.isError && (
            <Button variant="default" onClick={() => void session.signOut()}>
              {t("accept.otherAddress")}
            </Button>
          )}
        </Group>
      </Stack>
    </Page>
  );
}

/** Why an invitation was not accepted, and what to do. */
function Refusal({ error, email, retry }: { error: unknown; email: string; retry: () => void }) {
  const { t } = useTranslation("members");
  const status = error instanceof FanfareError ? error.status : 0;
  if (status === 404)
    return (
      <Alert color="orange" role="alert" icon={<IconAlertTriangle aria-hidden />} title={t("accept.notFound.title")}>
        <Text size="sm">{t("accept.notFound.text", { email })}</Text>
        <List size="sm">
          <List.Item>{t("accept.notFound.used")}</List.Item>
          <List.Item>{t("accept.notFound.expired")}</List.Item>
          <List.Item>{t("accept.notFound.other")}</List.Item>
          <List.Item>{t("accept.notFound.inviter")}</List.Item>
        </List>
      </Alert>
    );
  if (status === 403)
    return (
      <>
        <Alert color="orange" role="alert" icon={<IconAlertTriangle aria-hidden />} title={t("accept.forbidden.title")}>
          {t("accept.forbidden.text", { email })}
        </Alert>
        <Problem error={error} />
      </>
    );
  return <Problem error={error} title={status === 409 ? t("accept.member.title") : undefined} retry={status === 409 ? undefined : retry} />;
}
