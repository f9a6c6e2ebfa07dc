import { Alert, AppShell, Badge, Box, Burger, Group, NavLink, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useRouterState } from "@tanstack/react-router";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { customerKey, data, fanfare } from "../api";
import { ErrorBoundary } from "./ErrorBoundary";
import { lazy } from "../lib/lazy";
import { useStore } from "../lib/store";
import { useLive } from "../live";
import { session } from "../session/session";
import { SignIn } from "../session/SignIn";
import { AccountMenu } from "./AccountMenu";
import { Banners } from "./Banners";
import { CustomerSwitcher } from "./CustomerSwitcher";
import { useCustomer, useCustomerId, useMe, useNoCustomer } from "./customer";
import { NoCustomer } from "./fallbacks";
import { lastCustomer, rememberCustomer } from "./last";
import { customerPages, customersPage } from "./nav";
import { useShortcuts } from "./shortcuts";
import classes from "./Shell.module.css";

const Palette = lazy(() => import("./Palette"));

/** What is around every page: the rail, the switcher of customers, and the sign-in. */
export function Shell() {
  const state = useStore(session.state);
  const { pathname } = useLocation();
  if (pathname === "/sign-in/callback") return <Outlet />;
  if (state === "loading") return null;
  if (state === "signed-out") return <SignIn />;
  return (
    <>
      <Frame />
      {state === "expired" && <SignIn again />}
    </>
  );
}

function Frame() {
  const { t } = useTranslation("shell");
  const [opened, { toggle, close }] = useDisclosure();
  const asked = useCustomerId();
  const none = useNoCustomer();
  const customerId = none ? "" : asked;
  const location = useLocation();
  const shown = useRouterState({ select: (state) => state.matches.at(-1)?.pathname }); // the location is ahead of it while a page is loaded
  const me = useMe();
  const { help, palette } = useShortcuts(customerId);
  useEffect(() => close(), [location.pathname, close]);
  useEffect(() => {
    if (customerId !== "") rememberCustomer(customerId);
    else if (none && lastCustomer() === asked) rememberCustomer(null);
  }, [asked, customerId, none]);
  return (
    <AppShell header={{ height: { base: 52, sm: 0 } }} navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !opened } }} padding={0}>
      <a href="#main" className={classes.skip}>
        {t("skip")}
      </a>
      <AppShell.Header hiddenFrom="sm">
        <Group h="100%" px="sm" gap="sm" wrap="nowrap">
          <Burger opened={opened} onClick={toggle} size="sm" aria-label={opened ? t("closeMenu") : t("openMenu")} aria-expanded={opened} />
          <Box style={{ flex: 1, minWidth: 0 }}>
            <CustomerSwitcher />
          </Box>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.rail} component="nav" aria-label={t("pages")}>
        <AppShell.Section p="xs" visibleFrom="sm">
          <CustomerSwitcher />
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea} px="xs" pb="xs" viewportProps={{ tabIndex: -1 }}>
          {customerId === "" ? null : <CustomerNav customerId={customerId} />}
          <NavLink renderRoot={(props) => <Link to={customersPage.path} activeOptions={{ exact: true, includeSearch: false }} {...props} />} label={t("customers")} leftSection={<customersPage.icon size={16} aria-hidden />} active={location.pathname === "/customers"} mt={customerId === "" ? 0 : "sm"} />
          {me !== undefined && me.system_role !== null && <NavLink component={Link} to="/installation" label={t("installation")} leftSection={<customersPage.icon size={16} aria-hidden />} active={location.pathname === "/installation"} />}
        </AppShell.Section>
        <AppShell.Section p="xs" className={classes.account}>
          <AccountMenu help={help} palette={palette} />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <Banners />
        {customerId !== "" && <CustomerWatch customerId={customerId} />}
        <ErrorBoundary key={shown}>
          <Suspense>{none ? <NoCustomer /> : <Outlet />}</Suspense>
        </ErrorBoundary>
      </AppShell.Main>
      <Suspense>
        <Palette />
      </Suspense>
    </AppShell>
  );
}

function CustomerWatch({ customerId }: { customerId: string }) {
  const { t } = useTranslation("shell");
  const customer = useCustomer();
  useLive(customerId);
  if (customer === undefined || customer.archived_at === null) return null;
  return (
    <Alert color="gray" radius={0} title={t("archived.title")}>
      {t("archived.text")}
    </Alert>
  );
}

function CustomerNav({ customerId }: { customerId: string }) {
  const { t } = useTranslation("shell");
  const { pathname } = useLocation();
  const overview = useQuery({
    queryKey: [...customerKey(customerId), "overview"],
    queryFn: () => data(fanfare.GET("/v1/customers/{customer_id}/overview", { params: { path: { customer_id: customerId } } })),
  }).data;
  const counts: Partial<Record<(typeof customerPages)[number]["key"], { count: number; color: string }>> = {
    approvals: { count: overview?.waiting.count ?? 0, color: "violet" },
    connections: { count: overview?.accounts.length ?? 0, color: "orange" },
    spaces: { count: overview?.pairings.length ?? 0, color: "violet" },
  };
  return customerPages.map((page) => {
    const here = page.path.replace("$customerId", customerId);
    const active = page.key === "home" ? pathname === here : pathname.startsWith(here);
    const count = counts[page.key];
    return (
      <Box key={page.key}>
        {"group" in page && (
          <Text size="xs" c="dimmed" fw={500} px="sm" pt="sm" pb={4}>
            {t(`group.${page.group}`)}
          </Text>
        )}
        <NavLink
          renderRoot={(props) => <Link to={page.path} params={{ customerId }} activeOptions={{ exact: page.key === "home", includeSearch: false }} {...props} />}
          label={t(`page.${page.key}`)}
          leftSection={<page.icon size={16} aria-hidden />}
          active={active}
          aria-current={active ? "page" : undefined}
          rightSection={
            count !== undefined && count.count > 0 ? (
              <Badge size="sm" variant="light" color={count.color} aria-label={t("waiting", { count: count.count })}>
                {count.count >= 1000 ? "999+" : count.count}
              </Badge>
            ) : undefined
          }
        />
      </Box>
    );
  });
}
