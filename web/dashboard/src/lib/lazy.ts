import { createElement, use, type ComponentType } from "react";
import { load, once } from "./load";

/** A component that is loaded when it is shown, or before that by `preload`. Once it is there it stays; see `load` for when it does not come. */
export function lazy<Props extends object>(get: () => Promise<{ default: ComponentType<Props> }>) {
  let component: ComponentType<Props> | undefined;
  let waiting: Promise<void> | undefined;
  const fetched = once(async () => {
    component = (await get()).default;
  });
  const wait = () => {
    waiting = load(fetched);
    // Whoever shows the problem may try again soon.
    waiting.catch(() => setTimeout(() => (waiting = undefined), 500));
    return waiting;
  };
  function Lazy(props: Props) {
    if (component === undefined) use(waiting ?? wait());
    return component === undefined ? null : createElement(component, props);
  }
  return Object.assign(Lazy, { preload: (): Promise<void> | undefined => (component === undefined ? fetched().catch(() => undefined) : undefined) });
}
