import { Avatar, Group, Kbd, Menu, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconCommand, IconDeviceDesktop, IconKeyboard, IconLogout, IconMoon, IconSettings, IconSun } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { session } from "../session/session";
import { useMe } from "./customer";

/** Who is signed in, how the page looks, and the way out. */
export function AccountMenu({ help, palette }: { help: () => void; palette: () => void }) {
  const { t } = useTranslation("shell");
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const name = me?.name ?? me?.email ?? "";
  return (
    <Menu position="top-start" width={232} withinPortal>
      <Menu.Target>
        <UnstyledButton w="100%" p={4} aria-label={name === "" ? t("preferences") : undefined}>
          <Group gap="xs" wrap="nowrap">
            <Avatar size={28} radius="xl" name={name} color="initials" aria-hidden />
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={500} truncate>
                {name}
              </Text>
              <Text size="xs" c="dimmed" truncate>
                {me?.email}
              </Text>
            </div>
          </Group>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconCommand size={16} aria-hidden />} rightSection={<Kbd size="xs">Ctrl K</Kbd>} onClick={palette}>
          {t("palette.title")}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} rightSection={<Kbd size="xs">?</Kbd>} onClick={help}>
          {t("shortcuts.title")}
        </Menu.Item>
        <Menu.Item component={Link} to="/preferences" leftSection={<IconSettings size={16} aria-hidden />}>
          {t("preferences")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t("theme.title")}</Menu.Label>
        {(
          [
            ["light", IconSun],
            ["dark", IconMoon],
            ["auto", IconDeviceDesktop],
          ] as const
        ).map(([scheme, Icon]) => (
          <Menu.Item key={scheme} leftSection={<Icon size={16} aria-hidden />} onClick={() => setColorScheme(scheme)} fw={colorScheme === scheme ? 600 : undefined}>
            {t(`theme.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => void session.signOut()}
        >
          {t("signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
