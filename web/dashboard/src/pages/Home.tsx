import { Anchor, Button, Group, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconCheck, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { Page } from "../components/Page";
import { Platform, platforms } from "../components/Platform";
import { Problem } from "../components/Problem";
import { Skeletons } from "../components/Skeletons";
import { State } from "../components/State";
import { When } from "../components/When";
import { labelOf, platformsOf } from "../lib/posts";
import { useCustomer, useCustomerId, useMay } from "../shell/customer";
import { FirstSteps } from "./home/FirstSteps";

type Overview = Schemas["Overview"];
type OverviewPost = Schemas["OverviewPost"];

/** How a customer stands: what needs a person, what went wrong, and what goes out next, each with its one action. */
export default function Home() {
  const { t } = useTranslation("home");
  const customerId = useCustomerId();
  const customer = useCustomer();
  const mayWrite = useMay("member");
  const overview = useQuery({
    queryKey: [...customerKey(customerId), "overview"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/overview", { params: { path: { customer_id: customerId } } })),
  });
  const count = overview.data?.scheduled ?? 0;
  return (
    <Page
      title={customer?.name ?? ""}
      text={overview.data && (count === 0 ? t("home.scheduled_zero") : t("home.scheduled", { count }))}
      actions={
        mayWrite && (
          <Button renderRoot={(props) => <Link to="/customers/$customerId/posts/new" params={{ customerId }} {...props} />} leftSection={<IconPlus size={16} aria-hidden />}>
            {t("home.new")}
          </Button>
        )
      }
    >
      {overview.data !== undefined ? <Standing customerId={customerId} overview={overview.data} /> : overview.isError ? <Problem error={overview.error} retry={() => void overview.refetch()} /> : <Skeletons rows={4} height={96} />}
    </Page>
  );
}

function Standing({ customerId, overview }: { customerId: string; overview: Overview }) {
  const { t } = useTranslation("home");
  const { next, waiting, problems, accounts, pairings } = overview;
  const calm = waiting.count + problems.count + accounts.length + pairings.length === 0;
  return (
    <Stack gap="lg">
      <FirstSteps customerId={customerId} connected={overview.connected} />
      {!calm && waiting.count + accounts.length + pairings.length > 0 && (
        <Section title={t("home.needs")}>
          {accounts.map((account) => (
            <Account key={account.integration_id} customerId={customerId} account={account} />
          ))}
          {pairings.map((pairing) => (
            <Pairing key={pairing.pairing_id} customerId={customerId} pairing={pairing} />
          ))}
          {waiting.posts.map((post) => (
            <Line key={post.id} post={post} meta={<State state="pending_approval" />}>
              <Button size="xs" variant="default" aria-label={`${t("home.review")}: ${labelOf(post)}`} renderRoot={(props) => <Link to="/customers/$customerId/approvals" params={{ customerId }} search={{ post: post.id }} {...props} />}>
                {t("home.review")}
              </Button>
            </Line>
          ))}
          {waiting.count > waiting.posts.length && (
            <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/approvals" params={{ customerId }} {...props} />}>
              {t("home.reviewAll", { count: waiting.count })}
            </Anchor>
          )}
        </Section>
      )}
      {problems.count > 0 && (
        <Section title={t("home.problems")}>
          {problems.posts.map((post) => (
            <Line key={post.id} post={post} meta={<State state={post.state} />} problem>
              <Button size="xs" variant="default" aria-label={`${t("home.see")}: ${labelOf(post)}`} renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: post.id }} {...props} />}>
                {t("home.see")}
              </Button>
            </Line>
          ))}
          {problems.count > problems.posts.length && (
            <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/posts" params={{ customerId }} search={{ state: "partially_published,failed,needs_attention" }} {...props} />}>
              {t("home.problemsAll", { count: problems.count })}
            </Anchor>
          )}
        </Section>
      )}
      {calm && (
        <Group gap="xs">
          <ThemeIcon variant="light" color="green" size={24} radius="xl" aria-hidden>
            <IconCheck size={14} />
          </ThemeIcon>
          <Text size="sm">{t("home.calm")}</Text>
        </Group>
      )}
      <Section title={t("home.next")}>
        {next.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("home.nothingNext")}
          </Text>
        )}
        {next.map((post) => (
          <Line key={post.id} post={post} meta={<State state={post.state} />}>
            <Button size="xs" variant="subtle" aria-label={`${t("home.open")}: ${labelOf(post)}`} renderRoot={(props) => <Link to="/customers/$customerId/posts/$postId" params={{ customerId, postId: post.id }} {...props} />}>
              {t("home.open")}
            </Button>
          </Line>
        ))}
        <Anchor size="sm" renderRoot={(props) => <Link to="/customers/$customerId/calendar" params={{ customerId }} {...props} />}>
          {t("home.calendar")}
        </Anchor>
      </Section>
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs" component="section">
      <Title order={2}>{title}</Title>
      {children}
    </Stack>
  );
}

function Row({ children, action }: { children: ReactNode; action: ReactNode }) {
  return (
    <Paper withBorder radius="md" p="sm">
      <Group justify="space-between" gap="sm">
        <div style={{ flex: "1 1 220px", minWidth: 0 }}>{children}</div>
        {action}
      </Group>
    </Paper>
  );
}

function Line({ post, meta, problem = false, children }: { post: OverviewPost; meta: ReactNode; problem?: boolean; children: ReactNode }) {
  const { t } = useTranslation("home");
  return (
    <Row action={children}>
      <Text size="sm" fw={500} lineClamp={1}>
        {labelOf(post)}
      </Text>
      <Group gap="xs" mt={2}>
        {meta}
        {platformsOf(post).map((platform) => (
          <Platform key={platform} platform={platform} />
        ))}
        {post.scheduled_at === null ? (
          <Text size="xs" c="dimmed">
            {t("home.noTime")}
          </Text>
        ) : (
          <Text size="xs" c="dimmed" component="div">
            <When at={post.scheduled_at} />
          </Text>
        )}
      </Group>
      {problem &&
        post.platform_posts.map(
          (one) =>
            one.problem !== null && (
              <Text key={one.integration_id} size="xs" mt={4}>
                <b>{platforms[one.platform].name}</b>: {one.problem}
              </Text>
            ),
        )}
    </Row>
  );
}

function Account({ customerId, account }: { customerId: string; account: Schemas["OverviewAccount"] }) {
  const { t } = useTranslation("home");
  const mayConnect = useMay("admin");
  const action = (
    <Button size="xs" variant={account.status === "needs_reauth" ? "filled" : "default"} renderRoot={(props) => <Link to="/customers/$customerId/connections" params={{ customerId }} {...props} />}>
      {mayConnect ? t("home.reconnect", { platform: platforms[account.platform].name }) : t("home.open")}
    </Button>
  );
  return (
    <Row action={action}>
      <Group gap="xs" wrap="nowrap">
        <Platform platform={account.platform} />
        <Text size="sm" fw={500}>
          {t(account.status === "needs_reauth" ? "home.needsReauth" : "home.expiring", { name: account.name })}
        </Text>
      </Group>
      <Text size="xs" c="dimmed" mt={2} component="div">
        {account.reconnect_by !== null ? t("home.reconnectBy") : t("home.since")} <When at={account.reconnect_by ?? account.since} />
      </Text>
    </Row>
  );
}

function Pairing({ customerId, pairing }: { customerId: string; pairing: Schemas["OverviewPairing"] }) {
  const { t } = useTranslation("home");
  const person = pairing.person_name ?? t("home.somebody");
  const action = (
    <Button size="xs" renderRoot={(props) => <Link to="/customers/$customerId/spaces" params={{ customerId }} {...props} />}>
      {t("home.confirm")}
    </Button>
  );
  return (
    <Row action={action}>
      <Group gap="xs" wrap="nowrap">
        <Platform platform={pairing.platform} />
        <Text size="sm" fw={500}>
          {pairing.title === null ? t("home.pairing", { person }) : t("home.pairingOf", { person, chat: pairing.title })}
        </Text>
      </Group>
      <Text size="xs" c="dimmed" mt={2} component="div">
        {t("home.expires")} <When at={pairing.expires_at} relative />
      </Text>
    </Row>
  );
}
