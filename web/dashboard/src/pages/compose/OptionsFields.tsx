import { Checkbox, Select, Stack, TagsInput, Text, TextInput, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { customerKey, fanfare, paginate, type Schemas } from "../../api";
import type { PlatformName } from "../../components/Platform";
import type { Draft, Options } from "./model";

/** The e-mail templates of a customer. */
export function useTemplates(customerId: string, wanted: boolean) {
  return useQuery({
    queryKey: [...customerKey(customerId), "email-templates", "all"],
    queryFn: async () => {
      const all: Schemas["EmailTemplate"][] = [];
      for await (const template of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/email-templates", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } }))) all.push(template);
      return all;
    },
    enabled: wanted,
  }).data;
}

type Texted = "subject" | "preview_text" | "from_name" | "reply_to" | "excerpt" | "newsletter" | "email_segment" | "link" | "link_title";

/** What only one platform has, with what is wrong beside each. */
export function OptionsFields({ customerId, platform, draft, options, set, violations }: { customerId: string; platform: PlatformName; draft: Draft; options: Options; set: (options: Options) => void; violations: Schemas["Violation"][] }) {
  const { t } = useTranslation("composer");
  const wrong = (field: string) => {
    const messages = violations.filter((violation) => violation.field === `options.${field}` || violation.field.startsWith(`options.${field}.`)).map((violation) => violation.message);
    return messages.length === 0 ? undefined : messages.join(" ");
  };
  const text = (field: Texted, maxLength: number, placeholder?: string, type?: "url" | "email") => (
    <TextInput
      label={t(`options.${field}.label`)}
      description={t(`options.${field}.hint`)}
      maxLength={maxLength}
      {...(type === undefined ? {} : { type })}
      placeholder={placeholder}
      value={options[field] ?? ""}
      onChange={(event) => set({ [field]: event.currentTarget.value === "" ? undefined : event.currentTarget.value })}
      error={wrong(field)}
    />
  );
  const flag = (field: "made_with_ai" | "paid_partnership") => (
    <Checkbox label={t(`options.${field}.label`)} checked={options[field] ?? false} onChange={(event) => set({ [field]: event.currentTarget.checked ? true : undefined })} error={wrong(field)} />
  );
  const comment = (
    <Textarea
      label={t("options.first_comment.label")}
      description={t("options.first_comment.hint")}
      autosize
      minRows={2}
      maxLength={8000}
      value={options.first_comment ?? ""}
      onChange={(event) => set({ first_comment: event.currentTarget.value === "" ? undefined : event.currentTarget.value })}
      error={wrong("first_comment")}
    />
  );
  switch (platform) {
    case "twitter":
      return (
        <Stack>
          {flag("made_with_ai")}
          {flag("paid_partnership")}
        </Stack>
      );
    case "linkedin":
      return (
        <Stack>
          <Select
            label={t("options.visibility.label")}
            description={t("options.visibility.hint")}
            data={[{ value: "public", label: t("options.visibility.public") }, { value: "connections", label: t("options.visibility.connections") }]}
            value={options.visibility ?? "public"}
            onChange={(value) => set({ visibility: value === "connections" ? "connections" : undefined })}
            allowDeselect={false}
            error={wrong("visibility")}
          />
          {text("link", 2000, "https://", "url")}
          {(options.link !== undefined || options.link_title !== undefined) && text("link_title", 400)}
          {comment}
        </Stack>
      );
    case "facebook":
      return (
        <Stack>
          {text("link", 2000, "https://", "url")}
          {comment}
        </Stack>
      );
    case "mailchimp":
      return (
        <Stack>
          {text("subject", 150, draft.title)}
          {text("preview_text", 150)}
          {text("from_name", 100)}
          {text("reply_to", 254, undefined, "email")}
          <TemplateFields customerId={customerId} options={options} set={set} wrong={wrong} />
        </Stack>
      );
    case "ghost":
      return (
        <Stack>
          <TagsInput label={t("options.tags.label")} description={t("options.tags.hint")} maxTags={50} value={options.tags ?? []} onChange={(tags) => set({ tags })} error={wrong("tags")} />
          <Textarea
            label={t("options.excerpt.label")}
            description={t("options.excerpt.hint")}
            autosize
            minRows={2}
            maxLength={300}
            value={options.excerpt ?? ""}
            onChange={(event) => set({ excerpt: event.currentTarget.value === "" ? undefined : event.currentTarget.value })}
            error={wrong("excerpt")}
          />
          {text("newsletter", 191)}
          {options.newsletter !== undefined && text("email_segment", 500, "status:free")}
          <TemplateFields customerId={customerId} options={options} set={set} wrong={wrong} />
        </Stack>
      );
  }
}

/** The e-mail template, and what stands for its variables. */
function TemplateFields({ customerId, options, set, wrong }: { customerId: string; options: Options; set: (options: Options) => void; wrong: (field: string) => string | undefined }) {
  const { t } = useTranslation("composer");
  const { t: common } = useTranslation();
  const templates = useTemplates(customerId, true) ?? [];
  const chosen = templates.find((template) => template.id === options.template_id);
  const known = options.template_id !== undefined && chosen === undefined ? [{ value: options.template_id, label: t("options.template.unknown") }] : [];
  const values = options.variables ?? {};
  return (
    <>
      <Select
        label={t("options.template.label")}
        description={templates.length === 0 ? t("options.template.none") : t("options.template.hint")}
        placeholder={common("none")}
        clearable
        clearButtonProps={{ "aria-label": common("remove") }}
        searchable
        data={[...known, ...templates.map((template) => ({ value: template.id, label: template.name }))]}
        value={options.template_id ?? null}
        onChange={(value) => set({ template_id: value ?? undefined, ...(value === null ? { variables: undefined } : {}) })}
        error={wrong("template_id")}
      />
      {chosen?.variables
        .filter((name) => !["title", "text", "customer"].includes(name))
        .map((name) => (
          <TextInput
            key={name}
            label={t("options.template.variable", { name })}
            maxLength={10_000}
            value={values[name] ?? ""}
            onChange={(event) => {
              const next = { ...values, [name]: event.currentTarget.value };
              set({ variables: Object.fromEntries(Object.entries(next).filter(([, value]) => value !== "")) });
            }}
          />
        ))}
      {wrong("variables") !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)">
          {wrong("variables")}
        </Text>
      )}
    </>
  );
}
