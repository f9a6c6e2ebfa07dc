import { Badge, Button, Group, Text } from "@mantine/core";
import { IconPlus, IconTemplate } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, type Schemas } from "../api";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";
import { Panel } from "../components/Panel";
import { Records, usePages } from "../components/Records";
import { When } from "../components/When";
import { useAddress } from "../lib/address";
import { useCustomerId, useMay } from "../shell/customer";
import { NewTemplate, TemplatePanel } from "./templates/TemplatePanel";
import { asVariable } from "./templates/variables";

type Template = Schemas["EmailTemplate"];

/** The templates in which posts are sent as e-mails. */
export default function Templates() {
  const { t } = useTranslation("templates");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("member");
  const address = useAddress();
  const opened = address.get("template") || undefined;
  const pages = usePages<Template>([...customerKey(customerId), "templates", "list"], (cursor) => fanfare.GET("/v1/customers/{customer_id}/email-templates", { params: { path: { customer_id: customerId }, query: { cursor } } }));
  const make = may ? (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => address.set({ template: "new" }, true)}>
      {t("new")}
    </Button>
  ) : undefined;
  const close = () => address.set({ template: undefined }, true);
  return (
    <Page title={t("title")} text={t("text")} actions={make}>
      <Records<Template>
        label={t("title")}
        pages={pages}
        rowKey={(template) => template.id}
        open={(template) => address.set({ template: template.id }, true)}
        columns={[
          { title: common("name"), cell: (template) => <Text fw={500}>{template.name}</Text> },
          { title: t("subject"), cell: (template) => (template.subject === "" ? "–" : template.subject) },
          { title: t("variables.title"), cell: (template) => <Variables names={template.variables} /> },
          { title: t("changed"), cell: (template) => <When at={template.updated_at} relative /> },
        ]}
        empty={<Empty icon={IconTemplate} title={t("empty.title")} text={t("empty.text")} action={make} />}
      />
      <Panel title={opened === "new" ? t("new") : t("one")} opened={opened !== undefined} onClose={close} size="min(1200px, 92vw)">
        {opened === "new" ? <NewTemplate done={(id) => address.set({ template: id })} /> : opened !== undefined && <TemplatePanel key={opened} templateId={opened} close={close} />}
      </Panel>
    </Page>
  );
}

function Variables({ names }: { names: string[] }) {
  if (names.length === 0) return "–";
  return (
    <Group gap={4}>
      {names.slice(0, 5).map((name) => (
        <Badge key={name} variant="light" color="gray" tt="none" fw={400}>
          {asVariable(name)}
        </Badge>
      ))}
      {names.length > 5 && <Text size="xs">+{names.length - 5}</Text>}
    </Group>
  );
}
