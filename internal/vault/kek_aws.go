package vault

import (
	"context"

	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// openAWS opens a key of AWS KMS.
//
// URI: aws-kms://arn:<partition>:kms:<region>:<account>:key/<id>, or …:alias/<name>. The region is
// that of the ARN, whatever AWS_REGION says.
//
// Credentials: the default chain of the AWS SDK, in this order: AWS_ACCESS_KEY_ID with
// AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), a web identity token (AWS_ROLE_ARN with
// AWS_WEB_IDENTITY_TOKEN_FILE, as on EKS), the shared files of AWS_PROFILE, the role of the ECS task,
// the role of the EC2 instance. AWS_ENDPOINT_URL_KMS points at another endpoint. Open needs
// kms:Decrypt on the key, Create also kms:Encrypt.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func openAWS(ctx context.Context, uri string) (tink.AEAD, error) {
	client, err := awskms.NewClientWithOptions(ctx, uri)
	if err != nil {
		return nil, err
	}
	return client.GetAEAD(uri)
}
