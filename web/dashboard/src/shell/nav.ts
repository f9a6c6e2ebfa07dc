import {
  IconActivity, IconArchive, IconBuildingStore, IconCalendar, IconChartBar, IconChecklist, IconFileText, IconFlag, IconGauge, IconHome, IconMessages, IconPhoto, IconPlug, IconRobot, IconSettings,
  IconTemplate, IconUsers, IconWebhook, IconListSearch, type Icon,
} from "@tabler/icons-react";

/** The pages of a customer, as the rail has them. The letter after `g` goes there. */
export const customerPages = [
  { key: "home", path: "/customers/$customerId", icon: IconHome, letter: "h" },
  { key: "calendar", path: "/customers/$customerId/calendar", icon: IconCalendar, letter: "c" },
  { key: "posts", path: "/customers/$customerId/posts", icon: IconFileText, letter: "p" },
  { key: "approvals", path: "/customers/$customerId/approvals", icon: IconChecklist, letter: "a" },
  { key: "campaigns", path: "/customers/$customerId/campaigns", icon: IconFlag, letter: "k" },
  { key: "media", path: "/customers/$customerId/media", icon: IconPhoto, letter: "m" },
  { key: "templates", path: "/customers/$customerId/templates", icon: IconTemplate, letter: "t" },
  { key: "reports", path: "/customers/$customerId/reports", icon: IconChartBar, letter: "r" },
  { key: "connections", path: "/customers/$customerId/connections", icon: IconPlug, letter: "i", group: "connect" },
  { key: "spaces", path: "/customers/$customerId/spaces", icon: IconMessages, letter: "s" },
  { key: "agents", path: "/customers/$customerId/agents", icon: IconRobot, letter: "n" },
  { key: "webhooks", path: "/customers/$customerId/webhooks", icon: IconWebhook, letter: "w" },
  { key: "activity", path: "/customers/$customerId/activity", icon: IconActivity, letter: "y", group: "manage" },
  { key: "audit", path: "/customers/$customerId/audit", icon: IconListSearch, letter: "l" },
  { key: "usage", path: "/customers/$customerId/usage", icon: IconGauge, letter: "u" },
  { key: "workspaces", path: "/customers/$customerId/workspaces", icon: IconArchive, letter: "f" },
  { key: "members", path: "/customers/$customerId/members", icon: IconUsers, letter: "b" },
  { key: "settings", path: "/customers/$customerId/settings", icon: IconSettings, letter: "e" },
] as const satisfies { key: string; path: string; icon: Icon; letter: string; group?: string }[];

export const customersPage = { key: "customers", path: "/customers", icon: IconBuildingStore, letter: "o" } as const;
