import { Badge, Button, Group, Kbd, Paper, SegmentedControl, Select, Stack, Text, Title, useMantineColorScheme } from "@mantine/core";
import { IconKeyboard, IconLogout } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fanfare } from "../api";
import { Facts } from "../components/Facts";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { usePages } from "../components/Records";
import { Skeletons } from "../components/Skeletons";
import { When } from "../components/When";
import { languages, speak, type Language } from "../i18n/i18n";
import { complain } from "../lib/act";
import { viewerZone } from "../lib/time";
import { session } from "../session/session";
import { customersPage, customerPages } from "../shell/nav";
import { meQuery } from "../shell/customer";
import { modals } from "../shell/modals";
import { Erasures, type Erasure } from "./installation/Erasures";

/** What one likes for oneself, in this browser, and who one is. */
export default function Preferences() {
  const { t } = useTranslation("settings");
  return (
    <Page title={t("preferences.title")} text={t("preferences.text")}>
      <Stack gap="lg" maw={720}>
        <Look />
        <Keys />
        <Who />
      </Stack>
      <Receipts />
    </Page>
  );
}

function Look() {
  const { t, i18n } = useTranslation("settings");
  const { t: shell } = useTranslation("shell");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Paper withBorder p="md">
      <Stack>
        <Title order={2}>{t("preferences.look")}</Title>
        <Select
          label={t("preferences.language")}
          maw={280}
          allowDeselect={false}
          data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
          value={i18n.language}
          onChange={(value) => {
            if (value !== null && value in languages) speak(value as Language).catch(complain);
          }}
        />
        <Stack gap={4} align="flex-start">
          <Text size="sm" fw={500} id="theme-label">
            {shell("theme.title")}
          </Text>
          <SegmentedControl aria-labelledby="theme-label" value={colorScheme} onChange={(value) => setColorScheme(value)} data={(["light", "dark", "auto"] as const).map((value) => ({ value, label: shell(`theme.${value}`) }))} />
        </Stack>
      </Stack>
    </Paper>
  );
}

function Keys() {
  const { t } = useTranslation("settings");
  const { t: shell } = useTranslation("shell");
  const line = (text: string, ...keys: string[]) => (
    <Group key={text} justify="space-between" wrap="nowrap">
      <Text size="sm">{text}</Text>
      <Group gap={4} wrap="nowrap">
        {keys.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </Group>
    </Group>
  );
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2}>{shell("shortcuts.title")}</Title>
          <Button size="compact-sm" variant="default" leftSection={<IconKeyboard size={14} aria-hidden />} onClick={() => modals.help.set(true)}>
            {t("preferences.allKeys")}
          </Button>
        </Group>
        {line(shell("palette.title"), "Ctrl / ⌘", "K")}
        {line(shell("shortcuts.newPost"), "n")}
        {line(shell("shortcuts.save"), "Ctrl / ⌘", "↵")}
        {line(shell("customers"), "g", customersPage.letter)}
        {customerPages.slice(0, 3).map((page) => line(shell(`page.${page.key}`), "g", page.letter))}
      </Stack>
    </Paper>
  );
}

function Who() {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const { t: shell } = useTranslation("shell");
  const me = useQuery(meQuery);
  const person = me.data;
  return (
    <Paper withBorder p="md">
      <Stack>
        <Title order={2}>{t("preferences.who")}</Title>
        {me.isError && <Problem error={me.error} retry={() => void me.refetch()} />}
        {me.isLoading && <Skeletons rows={2} />}
        {person !== undefined && (
          <>
            <Facts
              facts={[
                [common("name"), person.name],
                [
                  t("preferences.email"),
                  person.email === null ? null : (
                    <Group key="email" gap="xs">
                      {person.email}
                      <Badge variant="light" color={person.email_verified ? "green" : "orange"} tt="none">
                        {person.email_verified ? t("preferences.verified") : t("preferences.unverified")}
                      </Badge>
                    </Group>
                  ),
                ],
                [t("preferences.systemRole"), person.system_role === null ? null : t(`preferences.systemRoles.${person.system_role}`)],
                [t("preferences.zone"), viewerZone],
                [t("preferences.since"), <When key="since" at={person.created_at} date />],
                [t("preferences.id"), person.id],
              ]}
            />
            <Text size="sm" c="dimmed">
              {t("preferences.issuer")}
            </Text>
            <Group>
              <Button
                variant="default"
                leftSection={<IconLogout size={16} aria-hidden />}
                onClick={() => void session.signOut()}
              >
                {shell("signOut")}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}

/** Receipts of the erasures that one has asked for oneself; not there for most people. */
function Receipts() {
  const { t } = useTranslation("settings");
  const me = useQuery(meQuery).data;
  const pages = usePages<Erasure>(["erasures"], (cursor) => fanfare.GET("/v1/erasures", { params: { query: { cursor } } }));
  if (me === undefined || me.system_role !== null || pages.items === undefined || pages.items.length === 0) return null;
  return (
    <Stack gap="sm">
      <Title order={2}>{t("preferences.erasures")}</Title>
      <Erasures />
    </Stack>
  );
}
