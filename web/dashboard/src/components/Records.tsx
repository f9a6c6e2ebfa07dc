import { Box, Button, Paper, Stack, Table, Text, UnstyledButton } from "@mantine/core";
import { useInfiniteQuery, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { data, type Page } from "../api";
import { Problem } from "./Problem";
import classes from "./Records.module.css";
import { Skeletons } from "./Skeletons";

/** The pages of a list of the API that were fetched so far. `load` asks for the one that begins at a cursor. With `live: false` it is not fetched again at each change. */
export function usePages<T>(queryKey: QueryKey, load: (cursor: string | undefined) => Promise<{ data?: Page<T> | undefined }>, { live = true }: { live?: boolean } = {}) {
  const query = useInfiniteQuery({
    queryKey,
    meta: { live },
    queryFn: ({ pageParam }) => data(load(pageParam)),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<T>) => page.next_cursor ?? undefined,
  });
  return { ...query, items: query.data?.pages.flatMap((page) => page.items) };
}

export interface Column<T> {
  /** Its heading; the label beside it where there is no room for a table. */
  title: string;
  cell: (row: T) => ReactNode;
  width?: number | string;
  align?: "left" | "right";
}

/**
 * A list of records: a table, and cards on small screens. The first column names the record; with `open` it is what opens it.
 * Give `pages` of usePages, which fetch more at a press of a button, or `rows` that are all.
 */
export function Records<T>({
  label,
  columns,
  pages,
  rows,
  rowKey,
  open,
  actions,
  empty,
}: {
  /** What the records are, for screen readers. */
  label: string;
  columns: Column<T>[];
  pages?: ReturnType<typeof usePages<T>>;
  rows?: T[];
  rowKey: (row: T) => string;
  open?: (row: T) => void;
  /** Buttons at the end of each row. */
  actions?: (row: T) => ReactNode;
  empty: ReactNode;
}) {
  const { t } = useTranslation();
  if (pages?.isError && pages.items === undefined) return <Problem error={pages.error} retry={() => void pages.refetch()} />;
  const all = rows ?? pages?.items;
  if (all === undefined) return <Skeletons />;
  if (all.length === 0) return empty;
  const name = (row: T, first: Column<T>) =>
    open === undefined ? (
      first.cell(row)
    ) : (
      <UnstyledButton className={classes.open} onClick={() => open(row)}>
        {first.cell(row)}
      </UnstyledButton>
    );
  return (
    <Stack gap="sm">
      <Paper withBorder radius="md" className={classes.wide}>
        <Table.ScrollContainer minWidth={0} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": label } }}>
          <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover={open !== undefined} aria-label={label} className={classes.table}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column.title} w={column.width} ta={column.align}>
                    {column.title}
                  </Table.Th>
                ))}
                {actions !== undefined && (
                  <Table.Th w={1}>
                    <span className={classes.hidden}>{t("actions")}</span>
                  </Table.Th>
                )}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {all.map((row) => (
                <Table.Tr key={rowKey(row)} className={open === undefined ? undefined : classes.row}>
                  {columns.map((column, index) => (
                    <Table.Td key={column.title} ta={column.align}>
                      {index === 0 ? name(row, column) : column.cell(row)}
                    </Table.Td>
                  ))}
                  {actions !== undefined && <Table.Td className={classes.actions}>{actions(row)}</Table.Td>}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Paper>
      <Stack gap="xs" className={classes.narrow} component="ul" aria-label={label}>
        {all.map((row) => (
          <Paper key={rowKey(row)} withBorder radius="md" p="sm" component="li" className={open === undefined ? undefined : classes.row}>
            {columns.map((column, index) =>
              index === 0 ? (
                <Box key={column.title} fw={500} mb={4}>
                  {name(row, column)}
                </Box>
              ) : (
                <div key={column.title} className={classes.pair}>
                  <Text c="dimmed" size="xs" span>
                    {column.title}
                  </Text>
                  <Box miw={0}>{column.cell(row)}</Box>
                </div>
              ),
            )}
            {actions !== undefined && <Box mt="xs">{actions(row)}</Box>}
          </Paper>
        ))}
      </Stack>
      {pages?.isError && <Problem error={pages.error} retry={() => void pages.fetchNextPage()} />}
      {pages?.hasNextPage && (
        <Button variant="default" onClick={() => void pages.fetchNextPage()} loading={pages.isFetchingNextPage} style={{ alignSelf: "center" }}>
          {t("more")}
        </Button>
      )}
    </Stack>
  );
}
