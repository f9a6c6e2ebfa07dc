import { Button, Group, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../../api";
import { useMay } from "../../shell/customer";

/** What to do first in a customer. It goes once an account is connected, a post is written and somebody else is there. */
export function FirstSteps({ customerId, connected }: { customerId: string; connected: number }) {
  const { t } = useTranslation("home");
  const mayConnect = useMay("admin");
  const mayWrite = useMay("member");
  const path = { customer_id: customerId };
  const posts = useQuery({ queryKey: [...customerKey(customerId), "posts", "any"], queryFn: async () => (await data(fanfare.GET("/v1/customers/{customer_id}/posts", { params: { path, query: { limit: 1 } } }))).items.length > 0 });
  const people = useQuery({ queryKey: [...customerKey(customerId), "members", "any"], queryFn: async () => (await data(fanfare.GET("/v1/customers/{customer_id}/members", { params: { path, query: { limit: 2 } } }))).items.length > 1 });
  if (!mayWrite || posts.data === undefined || people.data === undefined) return null;
  const steps = [
    { step: "connect", to: "/customers/$customerId/connections", done: connected > 0, may: mayConnect },
    { step: "write", to: "/customers/$customerId/posts/new", done: posts.data, may: mayWrite },
    { step: "invite", to: "/customers/$customerId/members", done: people.data, may: mayConnect },
  ] as const;
  if (steps.every(({ done, may }) => done || !may)) return null;
  return (
    <Paper withBorder radius="md" p="md" component="section">
      <Title order={2}>{t("first.title")}</Title>
      <Text size="sm" c="dimmed" mb="md">
        {t("first.text")}
      </Text>
      <Stack gap="md" component="ol" m={0} p={0} style={{ listStyle: "none" }}>
        {steps.map(({ step, to, done, may }, index) => (
          <Group key={step} component="li" gap="sm" align="flex-start" wrap="nowrap">
            <ThemeIcon variant="light" color={done ? "green" : "gray"} radius="xl" size={26} role={done ? "img" : undefined} aria-label={done ? t("first.done") : undefined}>
              {done ? <IconCheck size={14} aria-hidden /> : <Text size="xs">{index + 1}</Text>}
            </ThemeIcon>
            <Group justify="space-between" gap="xs" style={{ flex: 1, minWidth: 0 }}>
              <div style={{ flex: "1 1 220px" }}>
                <Text size="sm" fw={500}>
                  {t(`first.${step}.title`)}
                </Text>
                <Text size="sm" c="dimmed">
                  {t(`first.${step}.text`)}
                </Text>
              </div>
              {!done && may && (
                <Button size="xs" variant={steps.find((one) => !one.done)?.step === step ? "filled" : "default"} renderRoot={(props) => <Link to={to} params={{ customerId }} {...props} />}>
                  {t(`first.${step}.action`)}
                </Button>
              )}
            </Group>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
