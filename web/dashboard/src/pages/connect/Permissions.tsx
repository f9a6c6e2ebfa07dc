import { Checkbox, SimpleGrid } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api";

type Permission = Schemas["APIKeyCreate"]["permissions"][number];
type WordOf<P> = P extends `${infer A}:${infer B}` ? `${A}_${B}` : never;

/** What a chat's people may be allowed. */
export const chatPermissions = ["customer:read", "campaigns:read", "posts:read", "posts:write", "posts:publish", "spaces:read", "memories:read", "memories:write", "credentials:write"] as const satisfies Permission[];
/** What an agent token may be allowed. */
export const agentPermissions = [
  "customer:read", "campaigns:read", "campaigns:write", "posts:read", "posts:write", "posts:publish", "jobs:read", "audit:read", "spaces:read", "spaces:pair", "conversations:read", "memories:read", "memories:write",
  "credentials:write", "files:read", "files:write",
] as const satisfies Permission[];
/** What an API key may be allowed. */
export const keyPermissions = [...agentPermissions, "tokens:mint"] as const satisfies Permission[];

/** What a permission is called. */
export function usePermissionWord(): (permission: Permission) => string {
  const { t } = useTranslation("agents");
  return (permission) => t(`permission.${permission.replace(":", "_") as WordOf<Permission>}`);
}

/** Chooses permissions; each says what it allows. */
export function Permissions<P extends Permission>({ label, description, all, value, onChange, disabled = false }: { label: string; description?: string; all: readonly P[]; value: P[]; onChange: (value: P[]) => void; disabled?: boolean }) {
  const word = usePermissionWord();
  return (
    <Checkbox.Group label={label} description={description} value={value} onChange={onChange}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" mt="xs">
        {all.map((permission) => (
          <Checkbox key={permission} value={permission} label={word(permission)} description={permission} disabled={disabled} />
        ))}
      </SimpleGrid>
    </Checkbox.Group>
  );
}
