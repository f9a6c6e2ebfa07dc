import type en from "./en";

type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };

/** All texts, by area: a language that lacks one does not compile. */
export type Messages = Texts<typeof en>;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof en;
    returnNull: false;
  }
}
