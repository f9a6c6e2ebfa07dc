package bucket_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"fanfare/internal/bucket"
	"fanfare/internal/bucket/buckettest"
)

func TestOpenRefusesURLs(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"":                             "must look like file:///",
		"/var/lib":                     "must look like file:///",
		"mem://":                       "must look like file:///",
		"http://[::1":                  "cannot be parsed",
		"file://":                      "must look like file:///",
		"file://host/path":             "must look like file:///",
		"file:///nowhere/at/all":       "no such file or directory",
		"file:///tmp?create_dir=1":     `"create_dir", and file:// has none`,
		"s3:files":                     "must look like file:///",
		"s3://":                        "the bucket's name",
		"s3:///prefix":                 "the bucket's name",
		"s3://files:80":                "the bucket's name",
		"s3://key:s3cret@files":        "no credentials; they come from the environment",
		"s3://key:s3c%zzret@files":     "cannot be parsed",
		"s3://files?secret_key=s3cret": `"secret_key", which is none of endpoint, kmskeyid, profile, region, ssetype, use_path_style`,
		"s3://files?anonymous=true":    `"anonymous", which is none of`,
		"s3://files?region=a&region=b": "one value for region",
		"s3://files?region=":           "one value for region",
		"s3://files?region=%zz":        "cannot be parsed",
		"s3://files#s3cret":            "must have no #",
		"s3://files/a//b":              "a prefix without . or ..",
		"s3://files/../b":              "a prefix without . or ..",
		"s3://files?region=x&use_path_style=maybe":                             "use_path_style must be true or false",
		"s3://files?region=x&ssetype=rot13":                                    "ssetype must be one of",
		"s3://files?region=x&kmskeyid=s3cret":                                  "kmskeyid needs ssetype",
		"s3://files?region=x&endpoint=localhost:9000":                          "endpoint must look like",
		"s3://files?region=x&endpoint=https%3A%2F%2Fkey:s3cret@s3.example.com": "endpoint must look like",
		"gs://files?private_key_path=s3cret":                                   `"private_key_path", and gs:// has none`,
		"gs://":                                                                "the bucket's name",
		"azblob://files?sig=s3cret&storage_account=x":                          `"sig", which is none of domain, protocol, storage_account`,
		"azblob://files?storage_account=x&protocol=gopher":                     "domain or protocol is none",
		"azblob://AccountName=x;AccountKey=s3cret@files":                       "no credentials",
	} {
		b, err := bucket.Open(t.Context(), url, bucket.Options{S3Credentials: buckettest.Credentials()})
		if err == nil {
			_ = b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %q", url, err, says)
		}
	}
}

// What a server refuses is told when the bucket is opened, in words for whoever sets it up.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := buckettest.Start(t)
	missing := strings.Replace(server.URL, buckettest.Name, "nowhere", 1)
	key := func(access, secret string) aws.CredentialsProvider {
		return credentials.NewStaticCredentialsProvider(access, secret, "")
	}
	for name, c := range map[string]struct {
		url         string
		credentials aws.CredentialsProvider
		says        string
	}{
		"secret key":  {server.URL, key(buckettest.AccessKey, "s3cret"), "cannot list files: the secret key is not the access key's (SignatureDoesNotMatch)"},
		"access key":  {server.URL, key("nobody", buckettest.SecretKey), "cannot list files: No user exists with the provided access key ID. (XAdminUserNotFound)"},
		"credentials": {server.URL, aws.AnonymousCredentials{}, "no credentials were found: set AWS_ACCESS_KEY_ID"},
		"bucket":      {missing, buckettest.Credentials(), "the bucket s3://nowhere/: cannot list files: there is no such bucket (NoSuchBucket)"},
		"region":      {strings.Replace(server.URL, "us-east-1", "eu-west-3", 1), buckettest.Credentials(), "another region"},
		"address":     {strings.Replace(server.URL, portOf(server), "1", 1), buckettest.Credentials(), "connection refused"},
	} {
		b, err := bucket.Open(t.Context(), c.url, bucket.Options{S3Credentials: c.credentials})
		if err == nil {
			_ = b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), buckettest.SecretKey) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if got := names(t, server.Directory); len(got) != 0 {
		t.Errorf("left in the bucket: %q", got)
	}
	readOnly := buckettest.Start(t, "--readonly")
	if _, err := bucket.Open(t.Context(), readOnly.URL, bucket.Options{S3Credentials: buckettest.Credentials()}); err == nil ||
		!strings.Contains(err.Error(), "cannot write a file: these credentials may not do that (AccessDenied)") {
		t.Errorf("a bucket that cannot be written: %v", err)
	}
}

func portOf(server *buckettest.Server) string {
	return server.Endpoint[strings.LastIndexByte(server.Endpoint, ':')+1:]
}

// Credentials are those of AWS's environment variables and files.
func TestS3CredentialsOfTheEnvironment(t *testing.T) {
	server := buckettest.Start(t)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[backups]\naws_access_key_id = "+buckettest.AccessKey+"\naws_secret_access_key = "+buckettest.SecretKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	try := func(url, says string) {
		t.Helper()
		b, err := bucket.Open(t.Context(), url, bucket.Options{})
		if err == nil {
			_ = b.Close()
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	try(server.URL, "no credentials were found")
	try("s3://files", "region is not known")
	try(server.URL+"&profile=other", "other")
	try(server.URL+"&profile=backups", "")
	for _, setting := range buckettest.Env() {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	try(server.URL, "")
}

// Installations that share a bucket do not see each other.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	server := buckettest.Start(t)
	one := open(t, strings.Replace(server.URL, "files?", "files/one?", 1), bucket.Options{})
	two := open(t, strings.Replace(server.URL, "files?", "files/deep/two/?", 1), bucket.Options{})
	put(t, one, "customers/a", "one")
	put(t, two, "customers/a", "two")
	incomplete := uploadHalf(t, server, "one/customers/half")
	uploadHalf(t, server, "deep/two/customers/half")
	if err := one.DeleteAll(t.Context(), "customers/"); err != nil {
		t.Fatal(err)
	}
	if got := incomplete(); len(got) != 1 || got[0] != "deep/two/customers/half" {
		t.Errorf("incomplete uploads: %q", got)
	}
	if n, err := one.Count(t.Context(), "customers/"); err != nil || n != 0 {
		t.Errorf("%d files: %v", n, err)
	}
	if got := get(t, two, "customers/a"); got != "two" {
		t.Errorf("the other installation's file holds %q", got)
	}
}

// Settings of encryption reach the server with each file.
func TestEncryptionSettings(t *testing.T) {
	t.Parallel()
	var asked http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			asked = r.Header.Clone()
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Query().Has("uploads"):
			_, _ = w.Write([]byte(`<ListMultipartUploadsResult></ListMultipartUploadsResult>`))
		default:
			_, _ = w.Write([]byte(`<ListBucketResult></ListBucketResult>`))
		}
	}))
	defer server.Close()
	_, err := bucket.Open(t.Context(), "s3://files/prefix?region=eu-central-1&ssetype=aws:kms&kmskeyid=the-key&endpoint="+server.URL, bucket.Options{S3Credentials: buckettest.Credentials()})
	if err == nil || !strings.Contains(err.Error(), "cannot write a file: these credentials may not do that") {
		t.Errorf("error %v", err)
	}
	if asked.Get("X-Amz-Server-Side-Encryption") != "aws:kms" || asked.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != "the-key" {
		t.Errorf("asked with %v", asked)
	}
}

// There are no servers of Google and Azure here: what is missing to reach them is told, and so is what they refuse.
func TestOpenGoogle(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	if _, err := bucket.Open(t.Context(), "gs://files/prefix", bucket.Options{}); err == nil || !strings.Contains(err.Error(), "no credentials were found: set GOOGLE_APPLICATION_CREDENTIALS") {
		t.Errorf("without credentials: %v", err)
	}
	file := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(file, []byte(`{"type": "authorized_user", "client_id": "x", "client_secret": "s3cret", "refresh_token": "s3cret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	for status, says := range map[int]string{
		http.StatusForbidden: "the bucket gs://files/prefix/: cannot list files: these credentials may not do that (403)",
		http.StatusNotFound:  "the bucket gs://files/prefix/: cannot list files: there is no such bucket (404)",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"error": {"code": %d, "message": "explained at length"}}`, status)
		}))
		t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
		if _, err := bucket.Open(t.Context(), "gs://files/prefix", bucket.Options{}); err == nil || err.Error() != says {
			t.Errorf("%v, want %q", err, says)
		}
		server.Close()
	}
}

func TestOpenAzure(t *testing.T) {
	for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"} {
		t.Setenv(name, "")
	}
	for code, status := range map[string]int{"ContainerNotFound": http.StatusNotFound, "AuthenticationFailed": http.StatusForbidden, "AuthorizationPermissionMismatch": http.StatusForbidden} {
		t.Run(code, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Ms-Error-Code", code)
				w.WriteHeader(status)
				_, _ = w.Write(bytes.Repeat([]byte("explained at length "), 100))
			}))
			defer server.Close()
			url := "azblob://files/prefix?storage_account=account&protocol=http&domain=" + strings.TrimPrefix(server.URL, "http://")
			for name, c := range map[string]struct{ setting, value, says string }{
				"key":       {"AZURE_STORAGE_KEY", "czNjcmV0", code},
				"no key":    {"AZURE_STORAGE_KEY", "s3cret!", "AZURE_STORAGE_KEY is no key"},
				"token":     {"AZURE_STORAGE_SAS_TOKEN", "sv=2024&sig=s3cret", code},
				"no string": {"AZURE_STORAGE_CONNECTION_STRING", "s3cret", "AZURE_STORAGE_CONNECTION_STRING is no connection string"},
			} {
				t.Run(name, func(t *testing.T) {
					t.Setenv(c.setting, c.value)
					_, err := bucket.Open(t.Context(), url, bucket.Options{})
					if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") || len(err.Error()) > 200 {
						t.Errorf("%v, want %q", err, c.says)
					}
				})
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Setenv("AZURE_STORAGE_SAS_TOKEN", "sv=2024&sig=s3cret")
		_, err := bucket.Open(t.Context(), "azblob://files?storage_account=account&protocol=http&domain=127.0.0.1:1", bucket.Options{Stall: stall})
		if err == nil || !strings.Contains(err.Error(), "cannot list files") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v", err)
		}
	})
	if _, err := bucket.Open(t.Context(), "azblob://files", bucket.Options{}); err == nil || !strings.Contains(err.Error(), "the storage account is not known") {
		t.Errorf("without an account: %v", err)
	}
}
