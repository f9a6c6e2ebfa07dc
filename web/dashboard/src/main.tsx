import { MantineProvider } from "@mantine/core";
import "@mantine/core/styles.layer.css";
import { Notifications } from "@mantine/notifications";
import "@mantine/notifications/styles.layer.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { apiUrl, queryClient } from "./api";
import "./global.css";
import { startMessages } from "./i18n/i18n";
import { router } from "./router";
import { startSession } from "./session/provider";
import classes from "./shell/Shell.module.css";
import { loadSettings } from "./settings";
import { colorVariables, theme } from "./theme";

async function start(element: HTMLElement) {
  await Promise.all([startMessages(), loadSettings(apiUrl)]);
  await startSession();
  createRoot(element).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={colorVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient}>
          <Notifications position="top-center" containerWidth={340} classNames={{ root: classes.toasts }} />
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

const element = document.getElementById("root")!;

/** Without the server there is nothing to show yet: it is asked again until it answers. */
function startOrWait(wait: number) {
  start(element).catch((error: unknown) => {
    element.textContent = `Fanfare cannot be reached (${error instanceof Error ? error.message : String(error)}). It is tried again in ${wait} seconds.`;
    setTimeout(() => {
      element.textContent = "";
      startOrWait(Math.min(wait * 2, 30));
    }, wait * 1000);
  });
}

startOrWait(2);
