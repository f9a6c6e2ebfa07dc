import { Button, Group, Select, Stack, Tabs, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertCircle, IconBan, IconCheck, IconClock, IconHourglass, IconMail, IconMessages, IconUserPlus, IconUsers } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, queryClient, versioned, type Schemas } from "../api";
import { Confirm } from "../components/Confirm";
import { Empty } from "../components/Empty";
import { Facts } from "../components/Facts";
import { Mark } from "../components/Mark";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Platform } from "../components/Platform";
import { Records, usePages } from "../components/Records";
import { Secret } from "../components/Secret";
import { When } from "../components/When";
import { useAct } from "../lib/act";
import { settings } from "../settings";
import { useCustomer, useCustomerId, useMay, useMe } from "../shell/customer";
import { rememberCustomer } from "../shell/last";
import { useSees } from "./connect/access";
import { useAddress } from "../lib/address";
import { useNames } from "../lib/people";
import { Form, useForm } from "./connect/form";

type Member = Schemas["Member"];
type Role = Member["role"];
type Invitation = Schemas["Invitation"];

const roles: readonly Role[] = ["owner", "admin", "member", "viewer"];

/** Who works for a customer, who is invited, and who they are in its chats. */
export default function Members() {
  const { t } = useTranslation("members");
  const address = useAddress();
  const sees = useSees();
  const may = useMay("admin");
  const tab = address.one("tab", ["people", "invitations", "chats"]);
  const [opened, { open, close }] = useDisclosure();
  const invite = may && (
    <Button leftSection={<IconUserPlus size={16} aria-hidden />} onClick={open}>
      {t("invite.button")}
    </Button>
  );
  return (
    <Page title={t("title")} text={t("text")} actions={invite}>
      <Tabs value={tab} onChange={(next) => address.set({ tab: next === "people" ? "" : (next ?? "") })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="people">{t("people.title")}</Tabs.Tab>
          {sees && <Tabs.Tab value="invitations">{t("invitations.title")}</Tabs.Tab>}
          <Tabs.Tab value="chats">{t("chats.title")}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="people">
          <People />
        </Tabs.Panel>
        <Tabs.Panel value="invitations">{sees && <Invitations invite={invite} />}</Tabs.Panel>
        <Tabs.Panel value="chats">
          <ChatIdentities />
        </Tabs.Panel>
      </Tabs>
      <Panel title={t("invite.button")} opened={opened} onClose={close} size="md">
        <Invite />
      </Panel>
    </Page>
  );
}

/** The roles that somebody may give. */
function useRoles(): readonly Role[] {
  const customer = useCustomer();
  return customer?.role === "admin" ? roles.filter((role) => role !== "owner") : roles;
}

function People() {
  const { t } = useTranslation("members");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const me = useMe();
  const may = useMay("admin");
  const given = useRoles();
  const pages = usePages([...customerKey(customerId), "members"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/members", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const name = (member: Member) => member.name ?? member.email ?? common("left");
  const give = async (member: Member, role: Role) => {
    const path = { customer_id: customerId, user_id: member.user_id };
    const now = await versioned(fanfare.GET("/v1/customers/{customer_id}/members/{user_id}", { params: { path } }));
    if (now.role !== member.role) throw new Error(t("people.changed", { name: name(member), role: common(`role.${now.role}`) }));
    const updated = await data(fanfare.PATCH("/v1/customers/{customer_id}/members/{user_id}", { params: { path, header: { "If-Match": now.etag } }, body: { role } }));
    if (member.user_id === me?.id) await queryClient.invalidateQueries({ queryKey: ["customers"] });
    return updated;
  };
  const change = useAct(customerId, ({ member, role }: { member: Member; role: Role }) => give(member, role), {
    done: (updated) => t("people.roleChanged", { name: name(updated), role: common(`role.${updated.role}`) }),
    undo: (updated, { member }) => give(updated, member.role),
  });
  const changeable = (member: Member) => may && given.includes(member.role);
  return (
    <Records<Member>
      label={t("people.title")}
      pages={pages}
      rowKey={(member) => member.user_id}
      columns={[
        {
          title: common("name"),
          cell: (member) => (
            <div>
              <Text size="sm" fw={500}>
                {name(member)} {member.user_id === me?.id && <Text span c="dimmed" size="sm">{t("people.you")}</Text>}
              </Text>
              {member.name !== null && <Text size="xs" c="dimmed">{member.email}</Text>}
            </div>
          ),
        },
        {
          title: t("role"),
          width: 180,
          cell: (member) =>
            changeable(member) ? (
              <Select
                size="xs"
                aria-label={t("people.roleOf", { name: name(member) })}
                data={given.map((role) => ({ value: role, label: common(`role.${role}`) }))}
                value={member.role}
                allowDeselect={false}
                disabled={change.isPending}
                onChange={(role) => role !== null && change.mutate({ member, role })}
              />
            ) : (
              common(`role.${member.role}`)
            ),
        },
        { title: t("people.may"), cell: (member) => <Text size="sm" c="dimmed">{t(`may.${member.role}`)}</Text> },
        { title: t("people.since"), width: 130, cell: (member) => <When at={member.created_at} date /> },
      ]}
      actions={(member) => (member.user_id === me?.id || changeable(member) ? <Remove member={member} name={name(member)} self={member.user_id === me?.id} /> : null)}
      empty={<Empty icon={IconUsers} title={t("people.empty.title")} text={t("people.empty.text")} />}
    />
  );
}

/** Takes somebody out of the customer, or oneself. */
function Remove({ member, name, self }: { member: Member; name: string; self: boolean }) {
  const { t } = useTranslation("members");
  const { t: common } = useTranslation();
  const customer = useCustomer();
  const customerId = useCustomerId();
  const navigate = useNavigate();
  const remove = useAct(customerId, () => data(fanfare.DELETE("/v1/customers/{customer_id}/members/{user_id}", { params: { path: { customer_id: customerId, user_id: member.user_id } } })), {
    done: () => (self ? t("leave.done", { customer: customer?.name ?? "" }) : t("remove.done", { name })),
    quiet: true,
  });
  const leave = async () => {
    await data(fanfare.DELETE("/v1/customers/{customer_id}/members/{user_id}", { params: { path: { customer_id: customerId, user_id: member.user_id } } }));
    rememberCustomer(null);
    await navigate({ to: "/customers" });
    await queryClient.invalidateQueries({ queryKey: ["customers"] });
  };
  return (
    <Confirm
      size="xs"
      title={self ? t("leave.title", { customer: customer?.name ?? "" }) : t("remove.title", { name })}
      text={self ? t("leave.text") : t("remove.text", { name })}
      confirm={self ? t("leave.button") : common("remove")}
      act={() => (self ? leave() : remove.mutateAsync(undefined))}
    >
      {self ? t("leave.button") : common("remove")}
    </Confirm>
  );
}

const invitationLooks = { pending: ["violet", IconHourglass], accepted: ["green", IconCheck], revoked: ["gray", IconBan], expired: ["gray", IconClock] } as const;

function Invitations({ invite }: { invite: React.ReactNode }) {
  const { t } = useTranslation("members");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("admin");
  const names = useNames();
  const pages = usePages([...customerKey(customerId), "invitations"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/invitations", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const revoke = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/invitations/{invitation_id}", { params: { path: { customer_id: customerId, invitation_id: id } } })), { done: () => t("invitations.revoked"), quiet: true });
  return (
    <Records<Invitation>
      label={t("invitations.title")}
      pages={pages}
      rowKey={(invitation) => invitation.id}
      columns={[
        { title: t("email"), cell: (invitation) => <Text size="sm" fw={500}>{invitation.email}</Text> },
        { title: t("role"), cell: (invitation) => common(`role.${invitation.role}`) },
        {
          title: t("invitations.state"),
          cell: (invitation) => {
            const [color, icon] = invitationLooks[invitation.state];
            return (
              <Stack gap={4} align="flex-start">
                <Mark color={color} icon={icon}>
                  {t(`invitations.states.${invitation.state}`)}
                </Mark>
                {invitation.send_problem !== null && (
                  <Mark color="red" icon={IconAlertCircle}>
                    {t("invitations.notSent")}
                  </Mark>
                )}
                {invitation.send_problem !== null && <Text size="xs">{invitation.send_problem}</Text>}
              </Stack>
            );
          },
        },
        {
          title: t("invitations.when"),
          cell: (invitation) =>
            invitation.state === "accepted" && invitation.accepted_at !== null ? (
              <>
                {t("invitations.acceptedAt")} <When at={invitation.accepted_at} relative />
              </>
            ) : invitation.state === "pending" ? (
              <>
                {t("invitations.until")} <When at={invitation.expires_at} />
              </>
            ) : (
              <When at={invitation.created_at} relative />
            ),
        },
        { title: t("invitations.by"), cell: (invitation) => names(invitation.invited_by) },
      ]}
      actions={(invitation) =>
        may && invitation.state === "pending" ? (
          <Confirm size="xs" title={t("invitations.revoke.title", { email: invitation.email })} text={t("invitations.revoke.text")} confirm={t("invitations.revoke.button")} act={() => revoke.mutateAsync(invitation.id)}>
            {t("invitations.revoke.button")}
          </Confirm>
        ) : null
      }
      empty={<Empty icon={IconMail} title={t("invitations.empty.title")} text={t("invitations.empty.text")} action={invite} />}
    />
  );
}

/** Invites a person, and gives the link to hand on where no e-mail is sent. */
function Invite() {
  const { t } = useTranslation("members");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const given = useRoles();
  const form = useForm<{ email: string; role: Role }>({ email: "", role: "member" });
  const invite = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/invitations", { params: { path: { customer_id: customerId } }, body: form.value })), { quiet: true });
  const made = invite.data;
  if (made !== undefined) {
    const link = made.link === null ? null : new URL(made.link, window.location.origin).href;
    return (
      <Stack>
        <Text size="sm">{link === null ? t("invite.mailed", { email: made.email }) : t("invite.handOn", { email: made.email })}</Text>
        {link !== null && <Secret value={link} text={t("invite.once")} />}
        <Facts facts={[[t("email"), made.email], [t("role"), common(`role.${made.role}`)], [t("invitations.until"), <When key="until" at={made.expires_at} />]]} />
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => {
              invite.reset();
              form.replace({ email: "", role: "member" });
            }}
          >
            {t("invite.another")}
          </Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Form label={t("invite.send")} submit={() => invite.mutate(undefined)} error={invite.error} busy={invite.isPending}>
      <Text size="sm">{settings().mails_invitations ? t("invite.textMail") : t("invite.textLink")}</Text>
      <TextInput label={t("email")} type="email" required maxLength={320} autoComplete="off" data-autofocus {...form.text("email")} />
      <Select label={t("role")} description={t(`may.${form.value.role}`)} data={given.map((role) => ({ value: role, label: common(`role.${role}`) }))} value={form.value.role} allowDeselect={false} onChange={(role) => role !== null && form.set("role", role)} />
    </Form>
  );
}

function ChatIdentities() {
  const { t } = useTranslation("members");
  const customerId = useCustomerId();
  const me = useMe();
  const may = useMay("admin");
  const mayOwn = useMay("viewer");
  const names = useNames();
  const pages = usePages([...customerKey(customerId), "chat-identities"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/chat-identities", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const forget = useAct(customerId, (id: string) => data(fanfare.DELETE("/v1/customers/{customer_id}/chat-identities/{chat_identity_id}", { params: { path: { customer_id: customerId, chat_identity_id: id } } })), { done: () => t("chats.forgotten"), quiet: true });
  return (
    <Records<Schemas["ChatIdentity"]>
      label={t("chats.title")}
      pages={pages}
      rowKey={(identity) => identity.id}
      columns={[
        { title: t("chats.member"), cell: (identity) => <Text size="sm" fw={500}>{names(identity.user_id)}</Text> },
        { title: t("chats.platform"), cell: (identity) => <Platform platform={identity.platform} name /> },
        { title: t("chats.id"), cell: (identity) => identity.external_id },
        { title: t("people.since"), cell: (identity) => <When at={identity.created_at} date /> },
      ]}
      actions={(identity) =>
        may || (mayOwn && identity.user_id === me?.id) ? (
          <Confirm size="xs" title={t("chats.forget.title", { name: names(identity.user_id) })} text={t("chats.forget.text")} confirm={t("chats.forget.button")} act={() => forget.mutateAsync(identity.id)}>
            {t("chats.forget.button")}
          </Confirm>
        ) : null
      }
      empty={<Empty icon={IconMessages} title={t("chats.empty.title")} text={t("chats.empty.text")} />}
    />
  );
}
