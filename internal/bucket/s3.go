package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Bucket is what gocloud.dev/blob cannot do with a bucket of S3.
type s3Bucket struct {
	client       *s3.Client
	name, prefix string
}

// openS3 opens a bucket of AWS, or of another server that speaks S3. Credentials are those that AWS's own programs would find.
func (l location) openS3(ctx context.Context, opts Options) (*blob.Bucket, *s3Bucket, error) {
	pathStyle, err := l.flag("use_path_style")
	if err != nil {
		return nil, nil, err
	}
	encryption := types.ServerSideEncryption(l.parameters["ssetype"])
	if encryption != "" && !slices.Contains(encryption.Values(), encryption) {
		return nil, nil, fmt.Errorf("ssetype must be one of %v", encryption.Values())
	}
	if l.parameters["kmskeyid"] != "" && !strings.HasPrefix(string(encryption), "aws:kms") {
		return nil, nil, errors.New("kmskeyid needs ssetype=aws:kms")
	}
	endpoint := l.parameters["endpoint"]
	if u, err := url.Parse(endpoint); endpoint != "" && (err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "") {
		return nil, nil, errors.New("endpoint must look like https://s3.example.com")
	}
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(l.parameters["region"]), config.WithSharedConfigProfile(l.parameters["profile"]))
	if err != nil {
		return nil, nil, fmt.Errorf("load AWS's configuration: %w", err)
	}
	if c.Region == "" {
		if endpoint == "" {
			return nil, nil, errors.New("region is not known: add it, as in s3://bucket?region=eu-central-1")
		}
		c.Region = "us-east-1" // which most servers that are not AWS take
	}
	if opts.S3Credentials != nil {
		c.Credentials = opts.S3Credentials
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, nil, errors.New("no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or give the machine a role")
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		o.HTTPClient = doer(c.HTTPClient.Do)
		o.UsePathStyle = pathStyle
		o.DisableLogOutputChecksumValidationSkipped = true // ranges have no checksums
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	files, err := s3blob.OpenBucket(ctx, client, l.bucket, &s3blob.Options{EncryptionType: encryption, KMSEncryptionID: l.parameters["kmskeyid"]})
	return files, &s3Bucket{client: client, name: l.bucket, prefix: l.prefix}, err
}

// beforeWrite has an upload that fails tell the server so, which keeps its parts otherwise.
func (b *s3Bucket) beforeWrite(limit time.Duration) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		var uploads *transfermanager.Client
		if as(&uploads) {
			*uploads = *transfermanager.New(b.client, func(o *transfermanager.Options) {
				o.PartSizeBytes, o.Concurrency, o.MultipartUploadThreshold = partSize, partsAtOnce, partSize
				o.FailTimeout = min(limit, 30*time.Second) // by then the write's own context has ended
			})
		}
		return nil
	}
}

// abortUploads removes the parts of files that are not whole, as a killed process leaves them.
func (b *s3Bucket) abortUploads(ctx context.Context, prefix string) error {
	pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: aws.String(b.prefix + prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list incomplete uploads: %w", err)
		}
		for _, upload := range page.Uploads {
			_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: upload.Key, UploadId: upload.UploadId})
			if err != nil && s3Code(err) != "NoSuchUpload" {
				return fmt.Errorf("abort incomplete upload: %w", err)
			}
		}
	}
	return nil
}
