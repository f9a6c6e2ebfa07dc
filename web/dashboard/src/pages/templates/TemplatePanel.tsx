import { Alert, Button, Code, Divider, Group, SegmentedControl, SimpleGrid, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconTrash } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState, type FormEvent, type KeyboardEvent, type RefObject } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, versioned, type Schemas } from "../../api";
import { Confirm } from "../../components/Confirm";
import { Conflict } from "../../components/Conflict";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { tell } from "../../lib/act";
import { oneOf } from "../../lib/address";
import { useDraft } from "../../lib/draft";
import { trimmed } from "../../lib/name";
import { useVersions, type Seen } from "../../lib/versions";
import { useCustomerId, useMay } from "../../shell/customer";
import classes from "./Templates.module.css";
import { asVariable, beginning, given } from "./variables";

interface Values extends Record<string, string> {
  name: string;
  subject: string;
  preview_text: string;
  html: string;
}

/** The fields of a template, with buttons that put a variable where one writes. */
function Fields({ values, set, readOnly = false, onSave }: { values: Values; set: (field: keyof Values & string, value: string) => void; readOnly?: boolean; onSave: () => void }) {
  const { t } = useTranslation("templates");
  const { t: common } = useTranslation();
  const html = useRef<HTMLTextAreaElement>(null);
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSave();
  };
  return (
    <Stack gap="sm" onKeyDown={keys}>
      <TextInput label={common("name")} required maxLength={100} readOnly={readOnly} value={values.name} onChange={(event) => set("name", event.currentTarget.value)} data-autofocus />
      <TextInput label={t("subject")} description={t("subjectHint")} maxLength={255} readOnly={readOnly} value={values.subject} onChange={(event) => set("subject", event.currentTarget.value)} />
      <TextInput label={t("previewText")} description={t("previewTextHint")} maxLength={255} readOnly={readOnly} value={values.preview_text} onChange={(event) => set("preview_text", event.currentTarget.value)} />
      {!readOnly && <Insert target={html} value={values.html} set={(value) => set("html", value)} />}
      <Textarea
        ref={html}
        label={t("html")}
        description={t("htmlHint")}
        required
        readOnly={readOnly}
        maxLength={200_000}
        autosize
        minRows={12}
        maxRows={26}
        spellCheck={false}
        value={values.html}
        onChange={(event) => set("html", event.currentTarget.value)}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 13 } }}
      />
    </Stack>
  );
}

function Insert({ target, value, set }: { target: RefObject<HTMLTextAreaElement | null>; value: string; set: (value: string) => void }) {
  const { t } = useTranslation("templates");
  const insert = (name: string) => {
    const area = target.current;
    const at = area?.selectionStart ?? value.length;
    const text = asVariable(name);
    set(value.slice(0, at) + text + value.slice(area?.selectionEnd ?? at));
    requestAnimationFrame(() => {
      area?.focus();
      area?.setSelectionRange(at + text.length, at + text.length);
    });
  };
  return (
    <Stack gap={4}>
      <Group gap="xs" role="group" aria-label={t("variables.insert")}>
        <Text size="sm">{t("variables.insert")}</Text>
        {given.map((name) => (
          <Button key={name} size="compact-xs" variant="default" onClick={() => insert(name)}>
            {asVariable(name)}
          </Button>
        ))}
      </Group>
      <Text size="xs" c="dimmed">
        {t("variables.hint", { example: asVariable("offer") })}
      </Text>
    </Stack>
  );
}

/** Makes a template. */
export function NewTemplate({ done }: { done: (id: string) => void }) {
  const { t } = useTranslation("templates");
  const customerId = useCustomerId();
  const draft = useDraft<Values>(`template.new.${customerId}`, { name: "", subject: asVariable("title"), preview_text: "", html: beginning });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const template = await data(fanfare.POST("/v1/customers/{customer_id}/email-templates", { params: { path: { customer_id: customerId } }, body: { name: draft.value.name.trim(), subject: draft.value.subject, preview_text: draft.value.preview_text, html: draft.value.html } }));
      draft.clear();
      tell(t("done.created"));
      await changed(customerId);
      done(template.id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form ref={form} onSubmit={(event) => void submit(event)}>
      <Stack>
        <Fields values={draft.value} set={(field, value) => draft.set((before) => ({ ...before, [field]: value }))} onSave={() => form.current?.requestSubmit()} />
        {error !== undefined && <Problem error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            {t("createAndPreview")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const seenOf = (template: Schemas["EmailTemplate"] & { etag: string }): Seen<Values> & { variables: string[] } => ({
  values: { name: template.name, subject: template.subject, preview_text: template.preview_text, html: template.html },
  etag: template.etag,
  variables: template.variables,
});

/** A template beside the e-mail that it makes. */
export function TemplatePanel({ templateId, close }: { templateId: string; close: () => void }) {
  const customerId = useCustomerId();
  const load = async () => seenOf(await versioned(fanfare.GET("/v1/customers/{customer_id}/email-templates/{email_template_id}", { params: { path: { customer_id: customerId, email_template_id: templateId } } })));
  const seen = useQuery({ queryKey: [...customerKey(customerId), "templates", templateId], queryFn: load, gcTime: 0, staleTime: Infinity, meta: { live: false }, refetchOnWindowFocus: false });
  if (seen.isError) return <Problem error={seen.error} retry={() => void seen.refetch()} />;
  return seen.data === undefined ? <Skeletons /> : <Editor templateId={templateId} seen={seen.data} variables={seen.data.variables} load={load} close={close} />;
}

function Editor({ templateId, seen, variables: atFirst, load, close }: { templateId: string; seen: Seen<Values>; variables: string[]; load: () => Promise<Seen<Values>>; close: () => void }) {
  const { t } = useTranslation("templates");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const may = useMay("member");
  const [variables, setVariables] = useState(atFirst);
  const [version, setVersion] = useState(seen.etag);
  const form = useRef<HTMLFormElement>(null);
  const params = { path: { customer_id: customerId, email_template_id: templateId } };
  const edit = useVersions({
    draftKey: `template.${templateId}`,
    seen,
    load,
    save: async (changes, etag) => {
      const after = seenOf(await versioned(fanfare.PATCH("/v1/customers/{customer_id}/email-templates/{email_template_id}", { params: { ...params, header: { "If-Match": etag } }, body: trimmed(changes) })));
      setVariables(after.variables);
      setVersion(after.etag);
      return after;
    },
  });
  const saved = () => tell(t("done.saved"));
  const remove = async () => {
    await fanfare.DELETE("/v1/customers/{customer_id}/email-templates/{email_template_id}", { params });
    close();
    tell(t("done.deleted"));
    await changed(customerId);
  };
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          if (edit.dirty) void edit.save().then((ok) => ok && saved());
        }}
      >
        <Stack>
          <Fields values={edit.values} set={edit.set} readOnly={!may} onSave={() => form.current?.requestSubmit()} />
          <Conflict edit={edit} labels={{ name: common("name"), subject: t("subject"), preview_text: t("previewText"), html: t("html") }} onSaved={saved} />
          {edit.error !== undefined && <Problem error={edit.error} />}
          {may && (
            <Group justify="space-between">
              <Confirm title={t("delete.title", { name: seen.values.name })} text={t("delete.text")} confirm={t("delete.confirm")} act={remove} leftSection={<IconTrash size={16} aria-hidden />}>
                {t("delete.action")}
              </Confirm>
              <Group gap="xs">
                {edit.dirty && (
                  <Button variant="default" onClick={edit.discard}>
                    {common("discard")}
                  </Button>
                )}
                <Button type="submit" loading={edit.busy} disabled={!edit.dirty}>
                  {common("save")}
                </Button>
              </Group>
            </Group>
          )}
        </Stack>
      </form>
      <Preview templateId={templateId} version={version} variables={variables} dirty={edit.dirty} />
    </SimpleGrid>
  );
}

/** The e-mail that a post with some values would be, as the server makes it. It is shown in a frame in which nothing runs. */
function Preview({ templateId, version, variables, dirty }: { templateId: string; version: string; variables: string[]; dirty: boolean }) {
  const { t } = useTranslation("templates");
  const customerId = useCustomerId();
  const own = variables.filter((name) => !given.some((known) => known === name));
  const [values, setValues] = useState<Record<string, string>>({ title: t("sample.title"), text: t("sample.text") });
  const [typed] = useDebouncedValue(values, 300);
  const [view, setView] = useState<"html" | "text">("html");
  const preview = useQuery({
    queryKey: [...customerKey(customerId), "templates", templateId, "preview", version, typed],
    queryFn: () =>
      data(
        fanfare.POST("/v1/customers/{customer_id}/email-templates/{email_template_id}/preview", {
          params: { path: { customer_id: customerId, email_template_id: templateId } },
          body: { title: typed.title ?? "", text: typed.text ?? "", variables: Object.fromEntries(own.flatMap((name) => (typed[name] === undefined || typed[name] === "" ? [] : [[name, typed[name]]]))) },
        }),
      ),
    placeholderData: keepPreviousData,
    gcTime: 60_000,
    meta: { live: false },
  });
  const set = (name: string) => (value: string) => setValues((before) => ({ ...before, [name]: value }));
  return (
    <Stack gap="sm">
      <Title order={2}>{t("preview.title")}</Title>
      {dirty && <Alert color="gray">{t("preview.dirty")}</Alert>}
      <TextInput label={t("sample.titleLabel")} maxLength={255} value={values.title} onChange={(event) => set("title")(event.currentTarget.value)} />
      <Textarea label={t("sample.textLabel")} autosize minRows={2} maxRows={6} value={values.text} onChange={(event) => set("text")(event.currentTarget.value)} />
      {own.map((name) => (
        <TextInput key={name} label={asVariable(name)} maxLength={10_000} value={values[name] ?? ""} onChange={(event) => set(name)(event.currentTarget.value)} />
      ))}
      <Divider />
      {preview.isError && <Problem error={preview.error} retry={() => void preview.refetch()} />}
      {preview.data === undefined && !preview.isError && <Skeletons rows={2} height={120} />}
      {preview.data !== undefined && (
        <>
          {preview.data.missing.length > 0 && (
            <Alert color="orange" title={t("preview.missing")}>
              {preview.data.missing.map((name) => asVariable(name)).join(", ")}
            </Alert>
          )}
          <div>
            <Text size="xs" c="dimmed">
              {t("preview.inbox")}
            </Text>
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {preview.data.subject === "" ? t("preview.noSubject") : preview.data.subject}
            </Text>
            <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {preview.data.preview_text}
            </Text>
          </div>
          <SegmentedControl
            aria-label={t("preview.as")}
            size="xs"
            style={{ alignSelf: "flex-start" }}
            value={view}
            onChange={(value) => setView(oneOf(["html", "text"] as const, value) ?? "html")}
            data={[
              { value: "html", label: t("preview.html") },
              { value: "text", label: t("preview.text") },
            ]}
          />
          {view === "html" ? <iframe className={classes.frame} sandbox="" srcDoc={preview.data.html} title={t("preview.frame")} /> : <Code block className={classes.text}>{preview.data.text}</Code>}
        </>
      )}
    </Stack>
  );
}
