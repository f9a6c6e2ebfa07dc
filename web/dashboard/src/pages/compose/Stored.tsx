import { useQuery } from "@tanstack/react-query";
import { Page } from "../../components/Page";
import { Problem } from "../../components/Problem";
import { Skeletons } from "../../components/Skeletons";
import { useTranslation } from "react-i18next";
import { useCustomer, useMay } from "../../shell/customer";
import { Composer } from "./Composer";
import { loadPost, postKey } from "./saver";

/** Writes on at a post that the server has. */
export function Stored({ customerId, postId }: { customerId: string; postId: string }) {
  const { t } = useTranslation("composer");
  const customer = useCustomer();
  const may = useMay("member");
  const post = useQuery({ queryKey: postKey(customerId, postId), queryFn: () => loadPost(customerId, postId) });
  if (post.data !== undefined && customer !== undefined && may) return <Composer customerId={customerId} post={post.data} />;
  return (
    <Page title={t("edit")}>
      {post.isError ? <Problem error={post.error} retry={() => void post.refetch()} /> : post.data !== undefined && customer !== undefined ? <p>{t("mayNot")}</p> : <Skeletons />}
    </Page>
  );
}
