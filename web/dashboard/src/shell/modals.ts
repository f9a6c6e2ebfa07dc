import { Store } from "../lib/store";

/** Which of the dialogs that belong to no page are open. */
export const modals = { help: new Store(false) };
