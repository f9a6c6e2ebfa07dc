import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compression } from "vite-plugin-compression2";

// The API to which `npm run dev` hands on what it does not serve itself.
const api = process.env.FANFARE_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), compression({ algorithms: ["brotliCompress", "gzip"], exclude: [/\.(br|gz|woff2)$/] })],
  build: {
    outDir: "../dist",
    emptyOutDir: false, // web/dist/.gitkeep stays; `make web` empties it
    target: "es2022",
    assetsInlineLimit: 0, // data: scripts and styles are not allowed
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // One file for the icons, instead of a request for each.
      output: { codeSplitting: { groups: [{ name: "icons", test: /@tabler[\\/]icons-react/ }] } },
    },
  },
  server: { proxy: Object.fromEntries(["/v1", "/dev", "/oauth", "/health", "/livez", "/river", "/docs", "/openapi"].map((path) => [path, { target: api, changeOrigin: true, headers: { origin: api } }])) },
});
