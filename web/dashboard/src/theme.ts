import { createTheme, DEFAULT_THEME, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = ["#eef2ff", "#dce4fb", "#b7c6f2", "#8fa5ea", "#6e8ae3", "#5879df", "#4263eb", "#3b5bdb", "#324fc0", "#2743a8"];

/** The look: one grey, one accent, 14 px, a grid of 4 px. */
export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 6 },
  colors: { accent },
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "18px" },
  lineHeights: { xs: "1.5", sm: "1.5", md: "1.5", lg: "1.5", xl: "1.4" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  headings: { fontWeight: "600", sizes: { h1: { fontSize: "20px", lineHeight: "1.3" }, h2: { fontSize: "16px", lineHeight: "1.4" }, h3: { fontSize: "14px", lineHeight: "1.4" } } },
  defaultRadius: "md",
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, multiline: true, events: { hover: true, focus: true, touch: true } } },
    // Their headers are those of a dialog, and no banner of the page.
    Modal: { defaultProps: { centered: true, attributes: { header: { role: "none" } }, transitionProps: { duration: 120 } } },
    Drawer: { defaultProps: { position: "right", attributes: { header: { role: "none" } }, size: "lg", transitionProps: { duration: 120 } } },
    Button: { defaultProps: { size: "sm" } },
    Anchor: { defaultProps: { underline: "hover" } },
  },
});

const shades = (shade: number) =>
  Object.fromEntries(
    [...Object.keys(DEFAULT_THEME.colors), "accent"].filter((color) => color !== "dark").map((color) => [`--mantine-color-${color}-light-color`, `var(--mantine-color-${color}-${shade})`]),
  );

const red = { "--mantine-color-red-filled": "var(--mantine-color-red-9)", "--mantine-color-red-filled-hover": "#b02525" };

/** Text on light grounds stands out at 4.5:1 or more (WCAG 2.2, 1.4.3), which the library's own shades do not. */
export const colorVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...shades(9),
    ...red,
    "--mantine-color-yellow-light-color": "#7a4100",
    "--mantine-color-orange-light-color": "#9a3412",
    "--mantine-color-green-light-color": "#1b6b2e",
    "--mantine-color-lime-light-color": "#3f6212",
    "--mantine-color-teal-light-color": "#08634a",
    "--mantine-color-cyan-light-color": "#0b5c6b",
    "--mantine-color-gray-light-color": "var(--mantine-color-gray-8)",
    "--mantine-color-dimmed": "#5c636a",
    "--mantine-color-placeholder": "#6b7280",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    "--mantine-color-anchor": "var(--mantine-color-accent-8)",
  },
  dark: { ...shades(2), ...red, "--mantine-color-dimmed": "var(--mantine-color-dark-1)", "--mantine-color-placeholder": "#a0a0a0", "--mantine-color-error": "var(--mantine-color-red-4)", "--mantine-color-anchor": "var(--mantine-color-accent-2)" },
});
