import { Group, Kbd, Modal, Stack, Text, Title } from "@mantine/core";
import { modals } from "./modals";
import { spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { customerPages, customersPage } from "./nav";
import { useStore } from "../lib/store";

/** Whether keys are being typed into something. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/** The keys that work everywhere: `g` and a letter goes to a page, `n` begins a post, `?` lists them, Ctrl/⌘ K opens the palette. */
export function useShortcuts(customerId: string) {
  const navigate = useNavigate();
  useEffect(() => {
    let after = 0; // until when a letter belongs to the g before it
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("[aria-modal='true']") !== null) return;
      if (event.key === "?") {
        modals.help.set(true);
      } else if (event.key === "g") {
        after = Date.now() + 1500;
        return;
      } else if (Date.now() < after) {
        const page = customerPages.find((candidate) => candidate.letter === event.key);
        if (event.key === customersPage.letter) void navigate({ to: customersPage.path });
        else if (page !== undefined && customerId !== "") void navigate({ to: page.path, params: { customerId } });
        else return;
        event.preventDefault();
      } else if (event.key === "n" && customerId !== "") {
        event.preventDefault();
        void navigate({ to: "/customers/$customerId/posts/new", params: { customerId } });
      }
      after = 0;
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [customerId, navigate]);
  return { help: () => modals.help.set(true), palette: () => spotlight.open() };
}

/** The list of all shortcuts. */
export function ShortcutHelp() {
  const { t } = useTranslation("shell");
  const opened = useStore(modals.help);
  const line = (text: string, ...keys: string[]) => (
    <Group key={text} justify="space-between">
      <Text size="sm">{text}</Text>
      <Group gap={4}>
        {keys.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </Group>
    </Group>
  );
  return (
    <Modal opened={opened} onClose={() => modals.help.set(false)} title={t("shortcuts.title")} closeButtonProps={{ "aria-label": t("closeDialog") }}>
      <Stack gap="xs">
        {line(t("palette.title"), "Ctrl / ⌘", "K")}
        {line(t("shortcuts.newPost"), "n")}
        {line(t("shortcuts.save"), "Ctrl / ⌘", "↵")}
        {line(t("shortcuts.title"), "?")}
        {line(t("customers"), "g", customersPage.letter)}
        {customerPages.map((page) => line(t(`page.${page.key}`), "g", page.letter))}
        <Title order={3} mt="xs">
          {t("page.calendar")}
        </Title>
        {line(t("shortcuts.today"), "t")}
        {line(t("shortcuts.month"), "m")}
        {line(t("shortcuts.week"), "w")}
        {line(t("shortcuts.list"), "l")}
        {line(t("shortcuts.day"), "←", "→", "↑", "↓")}
        {line(t("shortcuts.earlier"), "Page ↑", "Page ↓")}
        <Title order={3} mt="xs">
          {t("page.approvals")}
        </Title>
        {line(t("shortcuts.next"), "j", "k")}
        {line(t("shortcuts.approve"), "a")}
        {line(t("shortcuts.comment"), "c")}
      </Stack>
    </Modal>
  );
}
