package bucket

import (
	"context"
	"errors"
	"net/http"

	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
)

// openGoogle opens a bucket of Google Cloud Storage with the application default credentials.
func (l location) openGoogle(ctx context.Context) (*blob.Bucket, error) {
	credentials, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, errors.New("no credentials were found: set GOOGLE_APPLICATION_CREDENTIALS to a key's file, or give the machine a service account")
	}
	client, err := gcp.NewHTTPClient(doer(http.DefaultTransport.RoundTrip), gcp.CredentialsTokenSource(credentials))
	if err != nil {
		return nil, err
	}
	return gcsblob.OpenBucket(ctx, client, l.bucket, nil)
}
