/** The variables that every post and customer has. */
export const given = ["title", "text", "customer"] as const;

/** A variable as it stands in a template. */
export function asVariable(name: string): string {
  return `{{${name}}}`;
}

/** A template to begin with. */
export const beginning = `<table role="presentation" width="100%" style="background:#f6f6f6;padding:24px 0">
  <tr><td align="center">
    <table role="presentation" width="600" style="max-width:600px;background:#ffffff;padding:32px;font-family:Arial,sans-serif;color:#222222">
      <tr><td>
        <h1 style="margin:0 0 16px;font-size:24px">{{title}}</h1>
        {{text}}
        <p style="margin:32px 0 0;font-size:12px;color:#555555">{{customer}}</p>
      </td></tr>
    </table>
  </td></tr>
</table>
`;
