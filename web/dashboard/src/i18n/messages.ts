import type de from "./de";
import type en from "./en";

type Texts<T> = { [K in keyof T]: T[K] extends string ? string : Texts<T[K]> };

/** All texts, by area. */
export type Messages = Texts<typeof en>;

/** A language that lacks a text does not compile. */
type Complete<T extends Messages> = T;
export type Languages = [Complete<typeof en>, Complete<typeof de>];

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: typeof en;
    returnNull: false;
  }
}
