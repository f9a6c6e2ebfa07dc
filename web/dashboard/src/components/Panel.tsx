import { Drawer, type DrawerProps } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** The detail of a record at the right of its list; the whole screen where that is small. */
export function Panel({ title, opened, onClose, size, children }: { title: ReactNode; opened: boolean; onClose: () => void; size?: DrawerProps["size"]; children: ReactNode }) {
  const { t } = useTranslation();
  const small = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  return (
    <Drawer opened={opened} onClose={onClose} title={title} size={small ? "100%" : (size ?? "lg")} closeButtonProps={{ "aria-label": t("close") }} styles={{ title: { fontWeight: 600 } }} attributes={{ header: { role: "none" } }}>
      {children}
    </Drawer>
  );
}
