import { useQuery } from "@tanstack/react-query";
import { customerKey, fanfare, paginate, versioned } from "../../api";

/** The recurrence that copies a post, with its version; null: none does. */
export function useRecurrence(customerId: string, postId: string | undefined) {
  return useQuery({
    queryKey: [...customerKey(customerId), "recurring-posts", "of", postId],
    queryFn: async () => {
      for await (const recurring of paginate((cursor) => fanfare.GET("/v1/customers/{customer_id}/recurring-posts", { params: { path: { customer_id: customerId }, query: { cursor, limit: 100 } } })))
        if (recurring.post_id === postId) return await loadRecurrence(customerId, recurring.id);
      return null;
    },
    enabled: postId !== undefined,
  });
}

export function loadRecurrence(customerId: string, id: string) {
  return versioned(fanfare.GET("/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}", { params: { path: { customer_id: customerId, recurring_post_id: id } } }));
}
