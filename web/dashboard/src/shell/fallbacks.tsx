import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { Link, useRouter } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";

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

/** A page failed to load or to be shown, as after an upgrade of the server. */
export function PageProblem({ error }: { error: unknown }) {
  const { t } = useTranslation("shell");
  const router = useRouter();
  return (
    <Page title={t("broken.title")}>
      <Problem error={error} title={t("broken.text")} retry={() => (String(error).includes("import") ? window.location.reload() : void router.invalidate())} />
    </Page>
  );
}
