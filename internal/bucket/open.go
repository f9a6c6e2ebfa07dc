package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// Options are what a bucket's URL does not say.
type Options struct {
	// Stall is how long a bucket on the network may move nothing while it is waited for: a minute if 0. Directories have no limit.
	Stall time.Duration
	// S3Credentials are in place of those that AWS's own programs would find.
	S3Credentials aws.CredentialsProvider
}

// parameters are what a URL of each kind of bucket may have behind its question mark.
var parameters = map[string][]string{
	"file":   {},
	"s3":     {"endpoint", "kmskeyid", "profile", "region", "ssetype", "use_path_style"},
	"gs":     {},
	"azblob": {"domain", "protocol", "storage_account"},
}

// forms says what URLs look like.
const forms = "file:///var/lib/fanfare, s3://bucket/prefix?region=eu-central-1, gs://bucket/prefix or azblob://container/prefix?storage_account=name"

// Open opens the bucket at a URL, and proves that it can be listed, written, read and deleted from:
//
//	file:///var/lib/fanfare             a directory, as OpenDirectory has it; file://./data is relative to the working directory
//	s3://bucket/prefix?region=…         AWS, or with endpoint=https://… any server that speaks S3
//	gs://bucket/prefix                  Google Cloud Storage
//	azblob://container/prefix?storage_account=…
//
// Installations that share a bucket have a prefix each. Credentials are never in the URL: they come from where each cloud's own
// programs look for them. Errors hold no secrets.
func Open(ctx context.Context, bucketURL string, opts Options) (*Bucket, error) {
	l, err := parse(bucketURL)
	if err != nil {
		return nil, err
	}
	if l.scheme == "file" {
		return OpenDirectory(l.directory)
	}
	b := &Bucket{stall: opts.Stall}
	if b.stall == 0 {
		b.stall = defaultStall
	}
	ctx, w := watched(ctx, b.stall)
	defer w.cancel(nil)
	err = w.wait(ctx, func() (err error) {
		switch l.scheme {
		case "s3":
			b.files, b.s3, err = l.openS3(ctx, opts)
		case "gs":
			b.files, err = l.openGoogle(ctx)
		default:
			b.files, err = l.openAzure(ctx)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the bucket %s: %w", l, err)
	}
	if l.prefix != "" {
		b.files = blob.PrefixedBucket(b.files, l.prefix)
	}
	if err := b.check(ctx); err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("the bucket %s: %w", l, err)
	}
	return b, nil
}

// OpenDirectory opens the bucket in a directory, which must be there: one that is not is a disk that is not mounted, more
// often than not.
func OpenDirectory(path string) (*Bucket, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	files, err := fileblob.OpenBucket(path, &fileblob.Options{
		NoTempDir:   true, // a rename does not leave a file system
		Metadata:    fileblob.MetadataDontWrite,
		DirFileMode: dirMode,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bucket: %w", err), root.Close())
	}
	return &Bucket{files: files, root: root}, nil
}

// check uses the bucket in all ways that it is used in.
func (b *Bucket) check(ctx context.Context) error {
	key := ".fanfare/check-" + uuid.NewString()
	for _, step := range []struct {
		name string
		try  func() error
	}{
		{"list files", func() error {
			_, err := b.Count(ctx, key)
			return err
		}},
		{"list incomplete uploads", func() error { return b.abortUploads(ctx, key) }},
		{"write a file", func() error {
			return b.Write(ctx, key, "text/plain", func(w io.Writer) error {
				_, err := io.WriteString(w, "Fanfare looks whether it can use this bucket.")
				return err
			})
		}},
		{"read a file", func() error {
			file, err := b.Read(ctx, key)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = io.Copy(io.Discard, file)
			return err
		}},
		{"delete a file", func() error { return b.delete(ctx, key) }},
	} {
		if err := step.try(); err != nil {
			return fmt.Errorf("cannot %s: %w", step.name, explained(err))
		}
	}
	return nil
}

// location is what a bucket's URL says.
type location struct {
	scheme         string
	directory      string // of a file:// bucket
	bucket, prefix string // of the others; the prefix ends in a slash, or is empty
	parameters     map[string]string
}

// String names the bucket, without parameters.
func (l location) String() string { return l.scheme + "://" + l.bucket + "/" + l.prefix }

// parse takes a bucket's URL apart. Its errors name no values: those might be secrets that are not meant to be there.
func parse(bucketURL string) (l location, err error) {
	u, err := url.Parse(bucketURL)
	if err != nil {
		return l, errors.New("the bucket's URL cannot be parsed; it must look like " + forms)
	}
	allowed, known := parameters[u.Scheme]
	switch {
	case !known || u.Opaque != "":
		return l, errors.New("the bucket's URL must look like " + forms)
	case u.User != nil:
		return l, errors.New("the bucket's URL must hold no credentials; they come from the environment")
	case u.Fragment != "":
		return l, errors.New("the bucket's URL must have no #")
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return l, errors.New("the parameters of the bucket's URL cannot be parsed")
	}
	l = location{scheme: u.Scheme, bucket: u.Host, parameters: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case !slices.Contains(allowed, name) && len(allowed) == 0:
			return l, fmt.Errorf("the bucket's URL has the parameter %q, and %s:// has none", name, u.Scheme)
		case !slices.Contains(allowed, name):
			return l, fmt.Errorf("the bucket's URL has the parameter %q, which is none of %s", name, strings.Join(allowed, ", "))
		case len(values[name]) > 1 || values.Get(name) == "":
			return l, fmt.Errorf("the bucket's URL must have one value for %s", name)
		}
		l.parameters[name] = values.Get(name)
	}
	if u.Scheme == "file" {
		return l, l.setDirectory(u)
	}
	l.prefix = strings.Trim(u.Path, "/")
	switch {
	case u.Hostname() == "" || u.Port() != "":
		return l, errors.New("the bucket's URL must have the bucket's name behind the two slashes")
	case l.prefix != "" && "/"+l.prefix != path.Clean("/"+l.prefix):
		return l, errors.New("the bucket's URL must have a prefix without . or .. and without empty parts")
	case l.prefix != "":
		l.prefix += "/"
	}
	return l, nil
}

func (l *location) setDirectory(u *url.URL) error {
	if (u.Host != "" && u.Host != "." && u.Host != "localhost") || u.Path == "" {
		return errors.New("the bucket's URL must look like file:///var/lib/fanfare")
	}
	l.directory = filepath.FromSlash(u.Path)
	if u.Host == "." {
		l.directory = filepath.FromSlash(strings.TrimPrefix(u.Path, "/"))
	}
	return nil
}

// flag is a parameter that is true or false, which it is by default.
func (l location) flag(name string) (bool, error) {
	value, given := l.parameters[name]
	if !given {
		return false, nil
	}
	flag, err := strconv.ParseBool(value)
	if err != nil {
		return false, errors.New(name + " must be true or false")
	}
	return flag, nil
}
