import { Alert, Button, Center, Modal, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { queryClient } from "../api";
import { settings } from "../settings";
import { people, signInAs } from "./development";
import { provider } from "./provider";
import { session } from "./session";

/** The sign-in; with `again`, over the page of somebody whose sign-in has ended: what they were writing stays. */
export function SignIn({ again = false }: { again?: boolean }) {
  const { t } = useTranslation("shell");
  const done = () => void session.renewed().then(() => queryClient.invalidateQueries());
  const form: ReactNode = { development: <Development done={done} />, oidc: <Oidc done={done} again={again} />, supabase: <Supabase done={done} />, none: <Alert color="yellow">{t("signIn.none")}</Alert> }[settings().sign_in.kind];
  if (again)
    return (
      <Modal opened onClose={() => undefined} withCloseButton={false} closeOnEscape={false} title={t("signIn.again")}>
        <Stack>
          <Text size="sm">{t("signIn.kept")}</Text>
          {form}
        </Stack>
      </Modal>
    );
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" radius="md" w="100%" maw={420}>
        <Stack>
          <div>
            <Title order={1}>{t("signIn.title")}</Title>
            <Text c="dimmed" size="sm">
              {t("signIn.text")}
            </Text>
          </div>
          {form}
        </Stack>
      </Paper>
    </Center>
  );
}

function useAttempt(done: () => void) {
  const [busy, setBusy] = useState("");
  const [error, setError] = useState<string>();
  const attempt = (what: string, act: () => Promise<void>) => {
    setBusy(what);
    setError(undefined);
    act()
      .then(done, (problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)))
      .finally(() => setBusy(""));
  };
  return { busy, attempt, problem: error === undefined ? null : <Alert color="red" role="alert">{error}</Alert> };
}

function Development({ done }: { done: () => void }) {
  const { t } = useTranslation("shell");
  const { busy, attempt, problem } = useAttempt(done);
  const all = useQuery({ queryKey: ["people"], queryFn: people, staleTime: Infinity });
  return (
    <Stack gap="xs">
      <Text size="sm">{t("signIn.development")}</Text>
      {problem}
      {all.isError && <Alert color="red">{String(all.error)}</Alert>}
      {all.data?.map((person) => (
        <Button key={person.id} variant="default" h="auto" py={8} justify="flex-start" loading={busy === person.id} onClick={() => attempt(person.id, () => signInAs(person.id))} styles={{ label: { whiteSpace: "normal", textAlign: "left" } }}>
          <span>
            {person.name}
            <Text size="xs" c="dimmed" fw={400}>
              {person.about}
            </Text>
          </span>
        </Button>
      ))}
    </Stack>
  );
}

function Oidc({ done, again }: { done: () => void; again: boolean }) {
  const { t } = useTranslation("shell");
  const { busy, attempt, problem } = useAttempt(done);
  return (
    <Stack gap="xs">
      {problem}
      <Button
        loading={busy !== ""}
        onClick={() => {
          if (again) attempt("oidc", () => provider.oidc().then((oidc) => oidc.signInAgain()));
          else void provider.oidc().then((oidc) => oidc.signIn());
        }}
      >
        {t("signIn.button")}
      </Button>
    </Stack>
  );
}

function Supabase({ done }: { done: () => void }) {
  const { t } = useTranslation("shell");
  const { busy, attempt, problem } = useAttempt(done);
  const [sent, setSent] = useState(false);
  const link = useAttempt(() => setSent(true));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        attempt("password", () => provider.supabase().then((supabase) => supabase.signIn(email, password)));
      }}
    >
      <Stack gap="sm">
        {problem}
        {link.problem}
        {sent && <Alert color="green" role="status">{t("signIn.sent", { email })}</Alert>}
        <TextInput label={t("signIn.email")} type="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
        <PasswordInput label={t("signIn.password")} autoComplete="current-password" value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
        <Button type="submit" loading={busy !== ""} disabled={password === ""}>
          {t("signIn.button")}
        </Button>
        <Button variant="default" loading={link.busy !== ""} disabled={email === ""} onClick={() => link.attempt("link", () => provider.supabase().then((supabase) => supabase.sendLink(email)))}>
          {t("signIn.link")}
        </Button>
      </Stack>
    </form>
  );
}
