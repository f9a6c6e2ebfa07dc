import { ActionIcon, Alert, Anchor, Breadcrumbs, Button, FileButton, Group, Menu, Modal, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconDots, IconDownload, IconFile, IconFileUnknown, IconFolder, IconFolderPlus, IconFolderSymlink, IconTrash, IconUpload } from "@tabler/icons-react";
import { useRef, useState, type DragEvent, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { changed, customerKey, data, fanfare, FanfareError, type Schemas } from "../../api";
import { Badged } from "../../components/Badged";
import { Empty } from "../../components/Empty";
import { Problem } from "../../components/Problem";
import { Records, usePages } from "../../components/Records";
import { When } from "../../components/When";
import { complain, tell, useAct } from "../../lib/act";
import { useAddress } from "../../lib/address";
import { download } from "../../lib/download";
import { formatBytes } from "../../lib/time";
import { useCustomerId, useMay } from "../../shell/customer";
import { FileView } from "./FileView";
import { Quota } from "./List";
import { looks, useWorkspaceName, useWorkspaces } from "./names";

export type Entry = Schemas["File"];
type Dialog = { kind: "directory" } | { kind: "move"; entry: Entry } | { kind: "delete"; entry: Entry };

function below(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

/** The files of one workspace: a directory at a time. */
export function Files({ workspaceId }: { workspaceId: string }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const mayWrite = useMay("member");
  const { get, set } = useAddress();
  const path = get("path");
  const find = get("find");
  const workspace = useWorkspaces().data?.find((one) => one.id === workspaceId);
  const name = useWorkspaceName();
  const where = { customer_id: customerId, workspace_id: workspaceId };
  const pages = usePages<Entry>([...customerKey(customerId), "files", workspaceId, path, find], (cursor) =>
    fanfare.GET("/v1/customers/{customer_id}/workspaces/{workspace_id}/files", { params: { path: where, query: { path: path || undefined, name: find || undefined, cursor, limit: 200 } } }),
  );
  const [dialog, setDialog] = useState<Dialog>();
  const [typed, setTyped] = useState<string>();
  const uploads = useUploads(workspaceId, path);
  const open = (entry: Entry) => (entry.kind === "directory" ? set({ path: entry.path, find: undefined }, true) : set({ file: entry.path }, true));
  const save = (entry: Entry) =>
    void download(entry.name, () => fanfare.GET("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/content", { params: { path: where, query: { path: entry.path } }, parseAs: "stream" }), entry.bytes).catch(complain);
  const steps = path === "" ? [] : path.split("/");
  const search = (event: FormEvent) => {
    event.preventDefault();
    set({ find: typed?.trim() });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    if (mayWrite) uploads.add([...event.dataTransfer.files]);
  };
  const upload = mayWrite && <Upload add={uploads.add} busy={uploads.busy} />;
  return (
    <Stack onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <Group justify="space-between" align="flex-end">
        <Stack gap={4}>
          <Breadcrumbs component="nav" aria-label={t("files.place")} style={{ flexWrap: "wrap" }}>
            <Anchor component="button" type="button" size="sm" onClick={() => set({ workspace: undefined, path: undefined, find: undefined }, true)}>
              {t("tabs.files")}
            </Anchor>
            <Anchor component="button" type="button" size="sm" onClick={() => set({ path: undefined, find: undefined }, true)} aria-current={path === "" ? "page" : undefined}>
              {workspace === undefined ? t("workspace") : name.of(workspace)}
            </Anchor>
            {steps.map((step, index) => (
              <Anchor key={index} component="button" type="button" size="sm" style={{ overflowWrap: "anywhere", textAlign: "left" }} aria-current={index === steps.length - 1 ? "page" : undefined} onClick={() => set({ path: steps.slice(0, index + 1).join("/"), find: undefined }, true)}>
                {step}
              </Anchor>
            ))}
          </Breadcrumbs>
          {workspace !== undefined && workspace.state !== "active" && <Badged look={looks[workspace.state]} word={t(`states.${workspace.state}`)} />}
        </Stack>
        <Group gap="xs">
          {mayWrite && (
            <Button variant="default" leftSection={<IconFolderPlus size={16} aria-hidden />} onClick={() => setDialog({ kind: "directory" })}>
              {t("files.newDirectory")}
            </Button>
          )}
          {upload}
        </Group>
      </Group>
      <Quota />
      <form onSubmit={search}>
        <Group gap="xs" align="flex-end">
          <TextInput label={t("files.find")} placeholder={t("files.findHint")} w={260} value={typed ?? find} onChange={(event) => setTyped(event.currentTarget.value)} />
          <Button type="submit" variant="default">
            {common("search")}
          </Button>
          {find !== "" && (
            <Button
              variant="subtle"
              onClick={() => {
                setTyped(undefined);
                set({ find: undefined });
              }}
            >
              {t("files.all")}
            </Button>
          )}
        </Group>
      </form>
      {uploads.problem !== undefined && <Problem error={uploads.problem} />}
      <Records<Entry>
        label={t("tabs.files")}
        pages={pages}
        rowKey={(entry) => entry.path}
        open={open}
        columns={[
          {
            title: t("files.name"),
            cell: (entry) => {
              const Icon = entry.kind === "directory" ? IconFolder : entry.kind === "file" ? IconFile : IconFileUnknown;
              return (
                <Group gap={8} wrap="nowrap" align="flex-start">
                  <Icon size={16} role="img" aria-label={t(`files.kinds.${entry.kind}`)} style={{ flex: "none", marginTop: 2 }} />
                  <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                    {find === "" ? entry.name : entry.path}
                  </Text>
                </Group>
              );
            },
          },
          { title: t("size"), align: "right", cell: (entry) => (entry.kind === "file" ? formatBytes(entry.bytes) : "–") },
          { title: t("files.changed"), cell: (entry) => <When at={entry.modified_at} relative /> },
        ]}
        actions={(entry) => (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={t("files.actions", { name: entry.name })}>
                <IconDots size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {entry.kind === "file" && (
                <Menu.Item leftSection={<IconDownload size={16} aria-hidden />} onClick={() => save(entry)}>
                  {t("files.download")}
                </Menu.Item>
              )}
              {entry.kind !== "file" && !mayWrite && <Menu.Item onClick={() => open(entry)}>{t("files.open")}</Menu.Item>}
              {mayWrite && (
                <>
                  <Menu.Item leftSection={<IconFolderSymlink size={16} aria-hidden />} onClick={() => setDialog({ kind: "move", entry })}>
                    {t("files.move")}
                  </Menu.Item>
                  <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDialog({ kind: "delete", entry })}>
                    {t("files.delete")}
                  </Menu.Item>
                </>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
        empty={<Empty icon={IconFolder} title={find === "" ? t("files.empty.title") : t("files.notFound.title")} text={find === "" ? t("files.empty.text") : t("files.notFound.text")} action={find === "" ? upload : undefined} />}
      />
      {uploads.conflict !== undefined && <Replace conflict={uploads.conflict} decide={uploads.decide} />}
      {dialog?.kind === "directory" && <NewDirectory workspaceId={workspaceId} path={path} close={() => setDialog(undefined)} />}
      {dialog?.kind === "move" && <Move workspaceId={workspaceId} entry={dialog.entry} close={() => setDialog(undefined)} />}
      {dialog?.kind === "delete" && <Delete workspaceId={workspaceId} entry={dialog.entry} close={() => setDialog(undefined)} />}
      <FileView workspaceId={workspaceId} path={get("file")} close={() => set({ file: undefined })} save={save} />
    </Stack>
  );
}

function Upload({ add, busy }: { add: (files: File[]) => void; busy: boolean }) {
  const { t } = useTranslation("workspaces");
  const reset = useRef<() => void>(null); // the same file may be chosen again
  return (
    <FileButton
      multiple
      resetRef={reset}
      onChange={(files) => {
        add(files);
        reset.current?.();
      }}
      inputProps={{ "aria-label": t("files.upload") }}
    >
      {(props) => (
        <Button {...props} leftSection={<IconUpload size={16} aria-hidden />} loading={busy}>
          {t("files.upload")}
        </Button>
      )}
    </FileButton>
  );
}

interface Conflict {
  file: File;
  there: Entry;
}

/** Uploads files one after another. One that would take the place of another waits for a decision. */
function useUploads(workspaceId: string, path: string) {
  const { t } = useTranslation("workspaces");
  const customerId = useCustomerId();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [conflicts, setConflicts] = useState<Conflict[]>([]);
  const where = { customer_id: customerId, workspace_id: workspaceId };
  const put = (file: File, header: { "If-Match"?: string; "If-None-Match"?: string }) =>
    data(
      fanfare.PUT("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/content", {
        params: { path: where, query: { path: below(path, file.name) }, header },
        body: "",
        bodySerializer: () => file,
        headers: { "Content-Type": "application/octet-stream" },
      }),
    );
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
      await changed(customerId);
    }
  };
  const see = (file: File) => data(fanfare.GET("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/entry", { params: { path: where, query: { path: below(path, file.name) } } }));
  const attempt = async (file: File, header: { "If-Match"?: string; "If-None-Match"?: string }): Promise<boolean> => {
    try {
      await put(file, header);
      return true;
    } catch (error) {
      if (!(error instanceof FanfareError) || error.status !== 412) throw error;
      const there = await see(file);
      setConflicts((before) => [...before, { file, there }]);
      return false;
    }
  };
  return {
    busy,
    problem,
    conflict: conflicts[0],
    add: (files: File[]) =>
      void run(async () => {
        let done = 0;
        for (const file of files) if (await attempt(file, { "If-None-Match": "*" })) done++;
        if (done > 0) tell(t("files.uploaded", { count: done }));
      }),
    decide: (replace: boolean) => {
      const conflict = conflicts[0];
      setConflicts((before) => before.slice(1));
      if (conflict === undefined || !replace) return;
      void run(async () => {
        if (await attempt(conflict.file, { "If-Match": conflict.there.etag })) tell(t("files.uploaded", { count: 1 }));
      });
    },
  };
}

/** Two files of one name: what is there, and what would take its place. */
function Replace({ conflict: { file, there }, decide }: { conflict: Conflict; decide: (replace: boolean) => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  return (
    <Modal opened onClose={() => decide(false)} title={t("files.replace.title", { name: file.name })} closeButtonProps={{ "aria-label": common("close") }}>
      <Stack>
        <Text size="sm">
          {t("files.replace.there", { size: formatBytes(there.bytes) })} <When at={there.modified_at} />
        </Text>
        <Text size="sm">
          {t("files.replace.yours", { size: formatBytes(file.size) })} <When at={new Date(file.lastModified).toISOString()} />
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => decide(false)}>
            {t("files.replace.keep")}
          </Button>
          {there.kind === "file" && (
            <Button color="red" onClick={() => decide(true)}>
              {t("files.replace.replace")}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}

function NewDirectory({ workspaceId, path, close }: { workspaceId: string; path: string; close: () => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const [name, setName] = useState("");
  const make = useAct(customerId, () => data(fanfare.POST("/v1/customers/{customer_id}/workspaces/{workspace_id}/directories", { params: { path: { customer_id: customerId, workspace_id: workspaceId } }, body: { path: below(path, name.trim()) } })), { done: (entry) => t("files.made", { name: entry.name }), quiet: true });
  return (
    <Modal opened onClose={close} title={t("files.newDirectory")} closeButtonProps={{ "aria-label": common("close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(undefined, { onSuccess: close });
        }}
      >
        <Stack>
          <TextInput label={common("name")} description={t("files.in", { place: path === "" ? t("files.top") : path })} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus maxLength={255} />
          {make.error !== null && <Problem error={make.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={make.isPending}>
              {common("create")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Move({ workspaceId, entry, close }: { workspaceId: string; entry: Entry; close: () => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const [to, setTo] = useState(entry.path);
  const [replace, setReplace] = useState(false);
  const where = { customer_id: customerId, workspace_id: workspaceId };
  const move = useAct(
    customerId,
    () => data(fanfare.POST("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/move", { params: { path: where, header: { "If-Match": entry.etag } }, body: { from: entry.path, to: to.trim(), replace } })),
    {
      done: (moved) => t("files.moved", { path: moved.path }),
      undo: replace ? undefined : (moved) => data(fanfare.POST("/v1/customers/{customer_id}/workspaces/{workspace_id}/files/move", { params: { path: where, header: { "If-Match": moved.etag } }, body: { from: moved.path, to: entry.path } })),
      quiet: true,
    },
  );
  return (
    <Modal opened onClose={close} title={t("files.moveTitle", { name: entry.name })} closeButtonProps={{ "aria-label": common("close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          move.mutate(undefined, { onSuccess: close });
        }}
      >
        <Stack>
          <TextInput label={t("files.newPath")} description={t("files.newPathHint")} required value={to} onChange={(event) => setTo(event.currentTarget.value)} data-autofocus maxLength={4096} />
          {entry.kind === "file" && <Switch label={t("files.replaceThere")} checked={replace} onChange={(event) => setReplace(event.currentTarget.checked)} />}
          {move.error !== null && <Problem error={move.error} />}
          <Group justify="flex-end">
            <Button type="submit" loading={move.isPending} disabled={to.trim() === entry.path}>
              {t("files.moveAction")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Delete({ workspaceId, entry, close }: { workspaceId: string; entry: Entry; close: () => void }) {
  const { t } = useTranslation("workspaces");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const remove = useAct(
    customerId,
    () =>
      data(
        fanfare.DELETE("/v1/customers/{customer_id}/workspaces/{workspace_id}/files", {
          params: { path: { customer_id: customerId, workspace_id: workspaceId }, query: { path: entry.path, recursive: entry.kind === "directory" }, header: { "If-Match": entry.etag } },
        }),
      ),
    { done: () => t("files.deleted", { name: entry.name }), quiet: true },
  );
  return (
    <Modal opened onClose={close} title={t("files.deleteTitle", { name: entry.name })} closeButtonProps={{ "aria-label": common("close") }}>
      <Stack>
        <Alert color="orange">{entry.kind === "directory" ? t("files.deleteDirectory") : t("files.deleteFile")}</Alert>
        {remove.error !== null && <Problem error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            {common("cancel")}
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate(undefined, { onSuccess: close })}>
            {t("files.delete")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
