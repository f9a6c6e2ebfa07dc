import { Center, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../components/Problem";
import { provider } from "../session/provider";
import { session } from "../session/session";

/** Where the OpenID Connect provider sends the browser back to. */
export default function SignInCallback() {
  const { t } = useTranslation("shell");
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>();
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return; // a code works once
    begun.current = true;
    void provider
      .oidc()
      .then((oidc) => oidc.callback())
      .then(async (to) => {
        if (to === undefined) return;
        await session.renewed();
        return navigate({ href: to, replace: true });
      })
      .catch(setError);
  }, [navigate]);
  return (
    <Center mih="100vh" p="md" component="main">
      {error === undefined ? <Text>{t("signIn.callback")}</Text> : <Problem error={error} retry={() => window.location.assign("/")} />}
    </Center>
  );
}
