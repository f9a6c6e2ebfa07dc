package vault

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The tests of this file speak the wire protocol of each KMS to a stand-in on loopback. They set
// environment variables and so are not parallel.

func serveJSON(t *testing.T, handle func(r *http.Request, body map[string]any) (int, any)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status, answer := handle(r, body)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func bytesOf(t *testing.T, body map[string]any, name string) []byte {
	t.Helper()
	encoded, err := json.Marshal(body[name])
	if err != nil {
		t.Error(err)
	}
	var decoded []byte
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return decoded
}

func TestAWS(t *testing.T) {
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	remote := newRemoteKey(t)
	address := serveJSON(t, func(r *http.Request, body map[string]any) (int, any) {
		if body["KeyId"] != arn {
			return 400, map[string]any{"__type": "NotFoundException", "message": "no such key"}
		}
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/kms/") {
			t.Errorf("Authorization = %s, want the region of the ARN", r.Header.Get("Authorization"))
		}
		if r.Header.Get("X-Amz-Target") == "TrentService.Encrypt" {
			out, err := remote.Encrypt(bytesOf(t, body, "Plaintext"), nil)
			if err != nil {
				t.Error(err)
			}
			return 200, map[string]any{"KeyId": arn, "CiphertextBlob": out}
		}
		out, err := remote.Decrypt(bytesOf(t, body, "CiphertextBlob"), nil)
		if err != nil {
			return 400, map[string]any{"__type": "InvalidCiphertextException"}
		}
		return 200, map[string]any{"KeyId": arn, "Plaintext": out}
	})
	t.Setenv("AWS_ENDPOINT_URL_KMS", address)
	// The test must never look for the credentials of the machine that it runs on.
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	cfg := newConfig(t)
	cfg.KEK = "aws-kms://" + arn
	requireWrappedKeySet(t, cfg)

	cfg.KEK = "aws-kms://" + strings.Replace(arn, "1234abcd", "00000000", 1)
	_, err := Open(t.Context(), cfg)
	requireError(t, err, "unwrap with aws-kms: ")
	cfg.KEK = "aws-kms://alias/fanfare"
	_, err = Open(t.Context(), cfg)
	requireError(t, err, "connect to aws-kms: ")
}

func TestHCVault(t *testing.T) {
	remote := newRemoteKey(t)
	address := serveJSON(t, func(r *http.Request, body map[string]any) (int, any) {
		if r.Header.Get("X-Vault-Token") != "test-token" {
			return 403, map[string]any{"errors": []string{"permission denied"}}
		}
		switch r.URL.Path {
		case "/v1/transit/encrypt/fanfare":
			out, err := remote.Encrypt(bytesOf(t, body, "plaintext"), nil)
			if err != nil {
				t.Error(err)
			}
			return 200, map[string]any{"data": map[string]any{"ciphertext": "vault:v1:" + string(mustJSON(t, out))}}
		case "/v1/transit/decrypt/fanfare":
			var ciphertext []byte
			text, _ := body["ciphertext"].(string)
			if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "vault:v1:")), &ciphertext); err != nil {
				t.Error(err)
			}
			out, err := remote.Decrypt(ciphertext, nil)
			if err != nil {
				return 400, map[string]any{"errors": []string{"invalid ciphertext"}}
			}
			return 200, map[string]any{"data": map[string]any{"plaintext": out}}
		}
		return 404, map[string]any{"errors": []string{}}
	})
	t.Setenv("VAULT_ADDR", address)
	t.Setenv("VAULT_TOKEN", "test-token")
	cfg := newConfig(t)
	cfg.KEK = "hcvault:///transit/keys/fanfare"
	requireWrappedKeySet(t, cfg)

	for _, test := range []struct{ kek, token, address, want string }{
		{"hcvault:///transit/keys/fanfare", "stale", address, "permission denied"},
		{"hcvault:///transit/keys/fanfare", "", address, "VAULT_TOKEN is not set"},
		{"hcvault:///transit/keys/fanfare", "test-token", "http://vault.example:8200", "must be HTTPS"},
		{"hcvault:///transit/keys/fanfare", "test-token", "http://127.0.0.1:1", "connection refused"},
		{"hcvault:///transit/fanfare", "test-token", address, "malformed keyPath"},
		{"hcvault://user:pass@host/transit/keys/fanfare", "test-token", address, "want hcvault://"},
		// The host of the URI is reached over HTTPS, so the stand-in without TLS is not served.
		{"hcvault://" + strings.TrimPrefix(address, "http://") + "/transit/keys/fanfare", "test-token", "http://vault.example:8200", "HTTP response to HTTPS client"},
	} {
		t.Setenv("VAULT_ADDR", test.address)
		t.Setenv("VAULT_TOKEN", test.token)
		t.Setenv("VAULT_MAX_RETRIES", "0")
		other := cfg
		other.KEK = test.kek
		_, err := Open(t.Context(), other)
		requireError(t, err, test.want)
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	out, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	return out
}

// cloudKMS stands in for Google's KeyManagementService with one key.
type cloudKMS struct {
	kmspb.UnimplementedKeyManagementServiceServer
	remote tink.AEAD
}

func checksum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func (s cloudKMS) Encrypt(_ context.Context, r *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	out, err := s.remote.Encrypt(r.GetPlaintext(), []byte(r.GetName()))
	return &kmspb.EncryptResponse{
		Name:                    r.GetName() + "/cryptoKeyVersions/1",
		Ciphertext:              out,
		CiphertextCrc32C:        checksum(out),
		VerifiedPlaintextCrc32C: true,
		VerifiedAdditionalAuthenticatedDataCrc32C: true,
	}, err
}

func (s cloudKMS) Decrypt(_ context.Context, r *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	out, err := s.remote.Decrypt(r.GetCiphertext(), []byte(r.GetName()))
	return &kmspb.DecryptResponse{Plaintext: out, PlaintextCrc32C: checksum(out)}, err
}

func TestGCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	kmspb.RegisterKeyManagementServiceServer(server, cloudKMS{remote: newRemoteKey(t)})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	before := gcpkms.DefaultOptions
	t.Cleanup(func() { gcpkms.DefaultOptions = before })
	gcpkms.DefaultOptions = append(before[:len(before):len(before)], gcpkms.WithGoogleAPIClientOptions(
		option.WithEndpoint(listener.Addr().String()),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	))
	cfg := newConfig(t)
	cfg.KEK = "gcp-kms://projects/p/locations/global/keyRings/r/cryptoKeys/k"
	requireWrappedKeySet(t, cfg)

	cfg.KEK = "gcp-kms://projects/p/locations/global/keyRings/r/cryptoKeys/other"
	_, err = Open(t.Context(), cfg)
	requireError(t, err, "unwrap with gcp-kms: ")
	cfg.KEK = "gcp-kms://projects/p"
	_, err = Open(t.Context(), cfg)
	requireError(t, err, "connect to gcp-kms: want gcp-kms://projects/")
}
