import { Button, Group } from "@mantine/core";
import { IconBuildingStore, IconCloudOff, IconMapOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { reachable } from "../lib/reachable";
import { useStore } from "../lib/store";
import { session } from "../session/session";
import { useMe } from "./customer";

/** There is no page at the address. */
export function NotFound() {
  const { t } = useTranslation("shell");
  return (
    <Page title={t("notFound.title")}>
      <Empty
        icon={IconMapOff}
        title={t("notFound.title")}
        text={t("notFound.text")}
        action={
          <Button component={Link} to="/customers">
            {t("customers")}
          </Button>
        }
      />
    </Page>
  );
}

/** The customer at the address is none of whoever is signed in. */
export function NoCustomer() {
  const { t } = useTranslation("shell");
  const me = useMe();
  const who = me?.email ?? me?.name ?? "";
  return (
    <Page title={t("noCustomer.title")}>
      <Empty
        icon={IconBuildingStore}
        title={t("noCustomer.what")}
        text={who === "" ? t("noCustomer.text") : `${t("noCustomer.text")} ${t("noCustomer.you", { who })}`}
        action={
          <Group gap="xs" justify="center">
            <Button component={Link} to="/customers">
              {t("noCustomer.customers")}
            </Button>
            <Button variant="default" onClick={() => void session.signOut()}>
              {t("noCustomer.other")}
            </Button>
          </Group>
        }
      />
    </Page>
  );
}

/** Stands where a page will be: nothing for a moment, and why it takes longer. */
export function Waiting() {
  const { t } = useTranslation("shell");
  const away = useStore(reachable.away);
  if (!away) return null;
  return (
    <Page title={t("away.title")}>
      <Empty icon={IconCloudOff} title={t("away.waiting")} text={t("away.page")} />
    </Page>
  );
}

/** A page failed to be shown. */
export function PageProblem({ error, reset }: { error: unknown; reset: () => void }) {
  const { t } = useTranslation("shell");
  return (
    <Page title={t("broken.title")}>
      <Problem error={error} title={t("broken.text")} retry={reset} />
    </Page>
  );
}
