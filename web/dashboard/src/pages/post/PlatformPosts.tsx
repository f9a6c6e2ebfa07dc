import { Alert, Anchor, Button, Code, Collapse, CopyButton, Group, Modal, Paper, Skeleton, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconExternalLink, IconPlugConnected, IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { data, fanfare, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Platform, platforms } from "../../components/Platform";
import { Problem } from "../../components/Problem";
import { State } from "../../components/State";
import { When } from "../../components/When";
import { useAct } from "../../lib/act";
import { inOrder } from "../../lib/posts";
import { useCustomer, useMay } from "../../shell/customer";
import type { Account, Check, Versioned } from "../compose/model";
import { postKey } from "../compose/saver";
import { TimeField } from "../compose/TimeField";
import { Violations } from "../compose/Texts";
import { localNow, zoned } from "../compose/zoned";

type PlatformPost = Schemas["PlatformPost"];
type Attempt = Schemas["PublishAttempt"];

/** Whether anything is out there, as far as somebody knows. */
function outcome(one: PlatformPost): "published" | "underWay" | "unknown" | "nothing" {
  if (one.state === "published") return "published";
  if (one.state === "publishing") return "underWay";
  return one.problem_class === "unknown_outcome" || (one.state === "needs_attention" && one.problem_class !== "credential") ? "unknown" : "nothing";
}

/** Where the post goes, and how it went on each account. */
export function PlatformPosts({ customerId, post, accounts, checks }: { customerId: string; post: Versioned; accounts: ReadonlyMap<string, Account>; checks: Check[] }) {
  const { t } = useTranslation("posts");
  const attempts = useQuery({
    queryKey: [...postKey(customerId, post.id), "attempts"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/posts/{post_id}/attempts", { params: { path: { customer_id: customerId, post_id: post.id } } })),
  });
  return (
    <Stack gap="sm" component="section" aria-labelledby="places-title">
      <Title order={2} id="places-title">
        {t("places")}
      </Title>
      {post.platform_posts.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("noAccounts")}
        </Text>
      )}
      {inOrder(post.platform_posts).map((one) => (
        <Place
          key={one.id}
          customerId={customerId}
          post={post}
          one={one}
          account={accounts.get(one.integration_id)}
          attempts={attempts.data?.platform_posts.find((other) => other.platform_post_id === one.id)?.attempts}
          check={checks.find((check) => check.integration_id === one.integration_id)}
        />
      ))}
      {attempts.isError && <Problem error={attempts.error} retry={() => void attempts.refetch()} />}
    </Stack>
  );
}

function Place({ customerId, post, one, account, attempts, check }: { customerId: string; post: Versioned; one: PlatformPost; account: Account | undefined; attempts: Attempt[] | undefined; check: Check | undefined }) {
  const { t } = useTranslation("posts");
  const may = useMay("member");
  const [open, { toggle }] = useDisclosure();
  const since = attempts?.[0]?.finished_at ?? attempts?.[0]?.started_at;
  const out = outcome(one);
  const link = one.external_url !== null && /^https?:\/\//.test(one.external_url) ? one.external_url : undefined;
  const bad = one.problem !== null && one.state !== "published";
  const reconnect = one.problem_class === "credential" || (account !== undefined && account.state !== "active" && one.state !== "published");
  const mends = may && (one.state === "failed" || one.state === "needs_attention");
  return (
    <Paper withBorder p="md" component="article" aria-label={`${platforms[one.platform].name} ${account?.name ?? ""}`}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Group gap="xs" miw={0}>
            <Platform platform={one.platform} name={account?.name ?? platforms[one.platform].name} />
            <State state={one.state} />
          </Group>
          <Text size="sm" c="dimmed">
            {one.published_at !== null ? <When at={one.published_at} /> : since !== undefined && since !== null && bad ? <>{t("since")} <When at={since} relative /></> : null}
          </Text>
        </Group>
        {link !== undefined && (
          <Anchor href={link} target="_blank" rel="noreferrer" size="sm" miw={0}>
            <Group gap={4} wrap="nowrap" component="span">
              <IconExternalLink size={14} aria-hidden style={{ flex: "none" }} />
              <Text span inherit style={{ overflowWrap: "anywhere" }}>
                {t("openAt", { account: platforms[one.platform].name })}
              </Text>
            </Group>
          </Anchor>
        )}
        {bad && (
          <Alert color={one.state === "failed" ? "red" : "orange"} title={t(`problem.${one.problem_class ?? "invalid"}`)}>
            <Stack gap={4}>
              <Text size="sm">{one.problem}</Text>
              {(one.external_url === null || out !== "nothing") && (
                <Text size="sm" fw={500}>
                  {t(`out.${out}`, { platform: platforms[one.platform].name })}
                </Text>
              )}
              {one.retry_at !== null && (
                <Text size="sm">
                  {t("retryAt")} <When at={one.retry_at} /> (<When at={one.retry_at} relative />)
                </Text>
              )}
            </Stack>
          </Alert>
        )}
        {check !== undefined && check.violations.length > 0 && <Violations violations={check.violations} />}
        {(reconnect || mends || attempts === undefined || attempts.length > 0) && (
          <Group gap="xs">
            {reconnect && (
              <Button size="xs" variant={bad ? "filled" : "default"} leftSection={<IconPlugConnected size={14} aria-hidden />} renderRoot={(props) => <Link to="/customers/$customerId/connections" params={{ customerId }} {...props} />}>
                {t("reconnect", { platform: platforms[one.platform].name })}
              </Button>
            )}
            {mends && <Repair customerId={customerId} post={post} one={one} unknown={out === "unknown"} />}
            {attempts !== undefined && attempts.length > 0 && (
              <Anchor component="button" type="button" size="sm" onClick={toggle} aria-expanded={open}>
                {t("attempts", { count: attempts.length })}
              </Anchor>
            )}
            {attempts === undefined && <Skeleton height={14} width={80} />}
          </Group>
        )}
        <Collapse expanded={open}>
          <Stack gap="xs">
            {attempts?.map((attempt) => (
              <AttemptLine key={attempt.number} attempt={attempt} />
            ))}
          </Stack>
        </Collapse>
      </Stack>
    </Paper>
  );
}

/** Tries again what failed; where nobody knows whether it is out, somebody looks and says. */
function Repair({ customerId, post, one, unknown }: { customerId: string; post: Versioned; one: PlatformPost; unknown: boolean }) {
  const { t } = useTranslation("posts");
  const [there, { open, close }] = useDisclosure();
  const path = { customer_id: customerId, post_id: post.id, platform_post_id: one.id };
  const retry = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/platform-posts/{platform_post_id}/retry", { params: { path }, headers: { "If-Match": post.etag } })), { done: () => t("done.retried"), quiet: unknown });
  if (one.state === "failed" || (one.state === "needs_attention" && !unknown))
    return (
      <Button size="xs" variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={retry.isPending} onClick={() => retry.mutate(undefined)}>
        {t("retry")}
      </Button>
    );
  if (one.state !== "needs_attention") return null;
  const name = platforms[one.platform].name;
  return (
    <>
      <Button size="xs" onClick={open}>
        {t("confirm.there", { platform: name })}
      </Button>
      <Confirm size="xs" title={t("confirm.notThereTitle", { platform: name })} text={t("confirm.notThereText", { platform: name })} confirm={t("confirm.again")} act={() => retry.mutateAsync(undefined)}>
        {t("confirm.notThere")}
      </Confirm>
      {there && <IsThere path={path} post={post} name={name} close={close} />}
    </>
  );
}

function IsThere({ path, post, name, close }: { path: { customer_id: string; post_id: string; platform_post_id: string }; post: Versioned; name: string; close: () => void }) {
  const { t } = useTranslation("posts");
  const { t: common } = useTranslation();
  const zone = useCustomer()?.time_zone ?? "UTC";
  const [url, setUrl] = useState("");
  const [local, setLocal] = useState(() => localNow(zone));
  const at = zoned(local, zone)?.at;
  const act = useAct(
    path.customer_id,
    () => data(fanfare.POST("/v1/customers/{customer_id}/posts/{post_id}/platform-posts/{platform_post_id}/confirm", { params: { path }, headers: { "If-Match": post.etag }, body: { external_url: url, ...(at === undefined ? {} : { published_at: at }) } })),
    { done: () => t("done.confirmed"), quiet: true },
  );
  return (
    <Modal opened onClose={close} title={t("confirm.there", { platform: name })} closeButtonProps={{ "aria-label": common("close") }} styles={{ title: { fontWeight: 600 } }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate(undefined, { onSuccess: close });
        }}
      >
        <Stack>
          <Text size="sm">{t("confirm.thereText", { platform: name })}</Text>
          <TextInput type="url" label={t("confirm.url")} placeholder="https://" required maxLength={500} value={url} onChange={(event) => setUrl(event.currentTarget.value)} data-autofocus />
          <TimeField label={t("confirm.at")} zone={zone} value={local} onChange={setLocal} second={false} setSecond={() => undefined} future={false} />
          {act.isError && <Problem error={act.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {common("cancel")}
            </Button>
            <Button type="submit" loading={act.isPending} disabled={url === ""}>
              {t("confirm.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** One attempt to publish: what came of it, with the technical detail under it. */
function AttemptLine({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation("posts");
  const { t: common } = useTranslation();
  const [open, { toggle }] = useDisclosure();
  const detail = JSON.stringify(attempt, null, 2);
  return (
    <Paper withBorder p="xs">
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {t("attempt", { number: attempt.number })} {attempt.outcome === null ? t("outcome.running") : t(`outcome.${attempt.outcome}`)}
        </Text>
        <Text size="sm" c="dimmed">
          <When at={attempt.started_at} />
        </Text>
      </Group>
      {attempt.message !== null && <Text size="sm">{attempt.message}</Text>}
      <Anchor component="button" type="button" size="sm" onClick={toggle} aria-expanded={open}>
        {common("problem.detail")}
      </Anchor>
      <Collapse expanded={open}>
        <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {detail}
        </Code>
        <CopyButton value={detail}>
          {({ copied, copy }) => (
            <Button mt="xs" size="xs" variant="default" onClick={copy}>
              {copied ? common("copied") : common("copy")}
            </Button>
          )}
        </CopyButton>
      </Collapse>
    </Paper>
  );
}
