import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { invitation } from "./lib/invitation";
import { lazy } from "./lib/lazy";
import { lastCustomer } from "./shell/last";
import { NotFound, PageProblem, Waiting } from "./shell/fallbacks";
import { Shell } from "./shell/Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageProblem });

const at = <Path extends string>(path: Path, load: () => Promise<{ default: React.ComponentType }>) => createRoute({ getParentRoute: () => root, path, component: lazy(load) });

/** What an e-mail links to: the page of the customer that was looked at last. */
const ofLast = <Path extends string>(path: Path, page: "connections" | "workspaces" | "webhooks") =>
  createRoute({
    getParentRoute: () => root,
    path,
    beforeLoad: ({ location }) => {
      const customerId = lastCustomer();
      throw customerId === null ? redirect({ to: "/customers" }) : redirect({ href: `/customers/${customerId}/${page}${location.searchStr}` });
    },
  });

// One line for each page: its address, and the file in which it is. Each is loaded when it is opened.
const routes = root.addChildren([
  createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      if (invitation.token !== null) throw redirect({ to: "/invitations/accept" }); // some ways to sign in end here
      const customerId = lastCustomer();
      throw customerId === null ? redirect({ to: "/customers" }) : redirect({ to: "/customers/$customerId", params: { customerId } });
    },
  }),
  ofLast("/integrations", "connections"),
  ofLast("/workspaces", "workspaces"),
  ofLast("/webhooks", "webhooks"),
  at("/sign-in/callback", () => import("./pages/SignInCallback")),
  createRoute({ getParentRoute: () => root, path: "/invitations/accept", beforeLoad: ({ location }) => invitation.keep(location.hash), component: lazy(() => import("./pages/AcceptInvitation")) }),
  at("/preferences", () => import("./pages/Preferences")),
  at("/installation", () => import("./pages/Installation")),
  at("/customers", () => import("./pages/Customers")),
  at("/customers/$customerId", () => import("./pages/Home")),
  at("/customers/$customerId/calendar", () => import("./pages/Calendar")),
  at("/customers/$customerId/posts", () => import("./pages/Posts")),
  at("/customers/$customerId/posts/new", () => import("./pages/NewPost")),
  at("/customers/$customerId/posts/$postId", () => import("./pages/Post")),
  at("/customers/$customerId/posts/$postId/edit", () => import("./pages/EditPost")),
  at("/customers/$customerId/approvals", () => import("./pages/Approvals")),
  at("/customers/$customerId/campaigns", () => import("./pages/Campaigns")),
  at("/customers/$customerId/media", () => import("./pages/Media")),
  at("/customers/$customerId/templates", () => import("./pages/Templates")),
  at("/customers/$customerId/reports", () => import("./pages/Reports")),
  at("/customers/$customerId/connections", () => import("./pages/Connections")),
  at("/customers/$customerId/spaces", () => import("./pages/Spaces")),
  at("/customers/$customerId/spaces/$spaceId", () => import("./pages/Space")),
  at("/customers/$customerId/agents", () => import("./pages/Agents")),
  at("/customers/$customerId/webhooks", () => import("./pages/Webhooks")),
  at("/customers/$customerId/activity", () => import("./pages/Activity")),
  at("/customers/$customerId/audit", () => import("./pages/Audit")),
  at("/customers/$customerId/usage", () => import("./pages/Usage")),
  at("/customers/$customerId/workspaces", () => import("./pages/Workspaces")),
  at("/customers/$customerId/members", () => import("./pages/Members")),
  at("/customers/$customerId/settings", () => import("./pages/Settings")),
]);

export const router = createRouter({ routeTree: routes, defaultPreload: "intent", defaultPendingComponent: Waiting, defaultPendingMs: Infinity, scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
