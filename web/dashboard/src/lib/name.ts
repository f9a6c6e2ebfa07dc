/** What is sent of a form: its name without the white space around it. */
export function trimmed<T extends { name?: string | undefined }>(values: T): T {
  return values.name === undefined ? values : { ...values, name: values.name.trim() };
}
