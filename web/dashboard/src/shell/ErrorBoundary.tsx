import { Component, type ReactNode } from "react";
import { PageProblem } from "./fallbacks";

/** Shows what went wrong in a page, and leaves what is around it as it is. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    return this.state.error === undefined ? this.props.children : <PageProblem error={this.state.error} reset={() => this.setState({ error: undefined })} />;
  }
}
