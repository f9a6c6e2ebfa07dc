import { useParams } from "@tanstack/react-router";
import { useCustomerId } from "../shell/customer";
import { Stored } from "./compose/Stored";

/** Changes a post. */
export default function EditPost() {
  const customerId = useCustomerId();
  const { postId = "" }: { postId?: string } = useParams({ strict: false });
  return <Stored key={`${customerId} ${postId}`} customerId={customerId} postId={postId} />;
}
