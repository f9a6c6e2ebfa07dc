import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useAddress } from "../lib/address";

export interface AddressTab<T extends string> {
  key: T;
  title: string;
  content: () => ReactNode;
}

/** Tabs of which the chosen one is in the address; the first is there without. Going to another one forgets the filters of the one before. */
export function AddressTabs<T extends string>({ tabs, label }: { tabs: [AddressTab<T>, ...AddressTab<T>[]]; label: string }) {
  const { one, set } = useAddress();
  const keys = tabs.map((tab) => tab.key) as [T, ...T[]];
  const active = one("tab", keys);
  return (
    <Tabs value={active} onChange={(key) => set({ ...forget, tab: key === keys[0] ? undefined : (key ?? undefined) }, true)} keepMounted={false}>
      <Tabs.List aria-label={label} style={{ flexWrap: "nowrap", overflowX: "auto", overflowY: "hidden" }}>
        {tabs.map((tab) => (
          <Tabs.Tab key={tab.key} value={tab.key} style={{ flex: "none" }}>
            {tab.title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map((tab) => (
        <Tabs.Panel key={tab.key} value={tab.key} pt="lg">
          {tab.key === active && tab.content()}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

const forget = Object.fromEntries(["workspace", "path", "find", "search", "only", "state", "unused", "month", "from", "to", "by", "show", "kind", "actor", "action", "type", "id", "entry", "restore", "backup", "file", "operation"].map((name) => [name, undefined]));
