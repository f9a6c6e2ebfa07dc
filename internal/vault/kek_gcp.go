package vault

import (
	"context"
	"errors"
	"regexp"

	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// gcpURI is the key of a ring, without a version: Cloud KMS encrypts with the key's primary version
// and finds the right one when it decrypts.
var gcpURI = regexp.MustCompile(`^gcp-kms://projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`)

// openGCP opens a key of Google Cloud KMS, over gRPC.
//
// URI: gcp-kms://projects/<project>/locations/<location>/keyRings/<ring>/cryptoKeys/<key>; the key's
// purpose must be symmetric encrypt/decrypt.
//
// Credentials: Application Default Credentials, in this order: the file that
// GOOGLE_APPLICATION_CREDENTIALS names, the file that `gcloud auth application-default login` left,
// the service account of the machine from its metadata server. Open needs
// cloudkms.cryptoKeyVersions.useToDecrypt on the key (roles/cloudkms.cryptoKeyDecrypter), Create also
// useToEncrypt. https://cloud.google.com/docs/authentication/application-default-credentials
func openGCP(ctx context.Context, uri string) (tink.AEAD, error) {
	if !gcpURI.MatchString(uri) {
		return nil, errors.New("want gcp-kms://projects/…/locations/…/keyRings/…/cryptoKeys/…")
	}
	client, err := gcpkms.NewClient(ctx, uri)
	if err != nil {
		return nil, err
	}
	remote, err := client.GetAEAD(uri)
	if err != nil {
		_ = client.Close()
		return nil, err
	}
	bound, ok := remote.(tink.AEADWithContext)
	if !ok {
		_ = client.Close()
		return nil, errors.New("the client of Cloud KMS takes no context")
	}
	return gcpKey{AEAD: remote, AEADWithContext: bound, client: client}, nil
}

// gcpKey is a key together with the gRPC connection that it was opened for.
type gcpKey struct {
	tink.AEAD
	tink.AEADWithContext
	client *gcpkms.Client
}

// Close ends the connection.
func (k gcpKey) Close() error { return k.client.Close() }
