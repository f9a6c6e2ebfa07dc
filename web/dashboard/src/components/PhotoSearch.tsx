import { Alert, Anchor, Button, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare, type Schemas } from "../api";
import { useAct } from "../lib/act";
import { useCustomerId } from "../shell/customer";
import type { Media } from "./MediaThumb";
import classes from "./PhotoSearch.module.css";
import { Problem } from "./Problem";
import { Skeletons } from "./Skeletons";

const orientations = ["any", "landscape", "portrait", "squarish"] as const;
type Orientation = (typeof orientations)[number];

/** Finds photos that everybody may use, and takes them into the library with their credit. */
export function PhotoSearch({ onUse }: { onUse: (media: Media) => void }) {
  const { t } = useTranslation("media");
  const { t: common } = useTranslation();
  const customerId = useCustomerId();
  const [typed, setTyped] = useState("");
  const [words, setWords] = useState("");
  const [orientation, setOrientation] = useState<Orientation>("any");
  const found = useInfiniteQuery({
    queryKey: [...customerKey(customerId), "images", words, orientation],
    queryFn: ({ pageParam }) =>
      data(
        fanfare.GET("/v1/customers/{customer_id}/images", {
          params: { path: { customer_id: customerId }, query: { query: words, page: pageParam, per_page: 24, orientation: orientation === "any" ? undefined : orientation } },
        }),
      ),
    initialPageParam: 1,
    getNextPageParam: (last, pages) => (pages.length < last.pages ? pages.length + 1 : undefined),
    enabled: words !== "",
    staleTime: Infinity,
    meta: { live: false },
    refetchOnWindowFocus: false,
  });
  const use = useAct(customerId, (image: Schemas["Image"]) => data(fanfare.POST("/v1/customers/{customer_id}/media/images", { params: { path: { customer_id: customerId } }, body: { image_id: image.id } })), {
    done: () => t("photos.used"),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setWords(typed.trim());
  };
  const photos = found.data?.pages.flatMap((page) => page.items);
  return (
    <Stack>
      <form onSubmit={submit} role="search">
        <Group align="flex-end" gap="sm">
          <TextInput label={t("photos.query")} placeholder={t("photos.example")} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} maxLength={200} style={{ flex: "1 1 220px" }} data-autofocus />
          <Button type="submit" variant="default" leftSection={<IconSearch size={16} aria-hidden />}>
            {common("search")}
          </Button>
        </Group>
      </form>
      <SegmentedControl
        aria-label={t("photos.shape")}
        size="xs"
        style={{ alignSelf: "flex-start", maxWidth: "100%" }}
        value={orientation}
        onChange={(value) => setOrientation(orientations.find((known) => known === value) ?? "any")}
        data={orientations.map((value) => ({ value, label: t(`photos.shapes.${value}`) }))}
      />
      {words === "" && (
        <Text size="sm" c="dimmed">
          {t("photos.hint")}
        </Text>
      )}
      {found.isError && <Problem error={found.error} retry={() => void found.refetch()} />}
      {found.isLoading && <Skeletons rows={3} height={140} />}
      {photos !== undefined && photos.length === 0 && <Alert color="gray">{t("photos.nothing", { words })}</Alert>}
      {photos !== undefined && (
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm" component="ul" className={classes.list}>
          {photos.map((image) => (
            <Paper key={image.id} withBorder radius="md" component="li" className={classes.photo}>
              <img src={image.urls.small} alt={image.alt_text} loading="lazy" className={classes.picture} style={{ backgroundColor: image.color }} />
              <Group justify="space-between" wrap="nowrap" p="xs" gap="xs">
                <Credit credit={image.credit} />
                <Button
                  size="compact-sm"
                  variant="light"
                  style={{ flex: "none" }}
                  aria-label={t("photos.useThis", { what: image.alt_text === "" ? image.credit.text : image.alt_text })}
                  loading={use.isPending && use.variables?.id === image.id}
                  disabled={use.isPending}
                  onClick={() => use.mutate(image, { onSuccess: onUse })}
                >
                  {t("photos.use")}
                </Button>
              </Group>
            </Paper>
          ))}
        </SimpleGrid>
      )}
      {found.hasNextPage && (
        <Button variant="default" style={{ alignSelf: "center" }} onClick={() => void found.fetchNextPage()} loading={found.isFetchingNextPage}>
          {common("more")}
        </Button>
      )}
    </Stack>
  );
}

/** Whose photo it is, with the links that its terms ask for. */
export function Credit({ credit }: { credit: Schemas["ImageCredit"] }) {
  const { t } = useTranslation("media");
  return (
    <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {t("photos.by")} <WebLink to={credit.photographer_url}>{credit.photographer}</WebLink> {t("photos.on")} <WebLink to={credit.source_url}>{credit.source}</WebLink>
    </Text>
  );
}

/** A link of data; only text where it leads to no web page. */
function WebLink({ to, children }: { to: string; children: string }) {
  if (!/^https?:\/\//.test(to)) return children;
  return (
    <Anchor href={to} target="_blank" rel="noopener noreferrer" underline="always" inherit>
      {children}
    </Anchor>
  );
}
