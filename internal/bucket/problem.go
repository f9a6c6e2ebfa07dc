package bucket

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"
)

// s3Code is the code of an error that an S3 server answered with, such as NoSuchKey; empty for other errors.
func s3Code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

// notFound tells whether an error says that there is no such file. gcerrors alone does not: to it a bucket that is gone, a
// server whose name is not resolved, and any error of S3 with 301 somewhere in its text are the same.
func notFound(err error) bool {
	var operation *smithy.OperationError
	var azure *azcore.ResponseError
	var dns *net.DNSError
	switch {
	case errors.As(err, &operation):
		code := s3Code(err)
		return code == "NoSuchKey" || code == "NotFound"
	case errors.As(err, &azure):
		return bloberror.HasCode(err, bloberror.BlobNotFound)
	case errors.As(err, &dns):
		return false
	}
	return gcerrors.Code(err) == gcerrors.NotFound
}

// readError is ErrNotFound where there is no such file.
func readError(action string, err error) error {
	if notFound(err) {
		return ErrNotFound
	}
	return fmt.Errorf("%s: %w", action, err)
}

// explanations are what codes of S3, Azure and Google mean to whoever sets a bucket up.
var explanations = map[string]string{
	"NoSuchBucket":                    "there is no such bucket",
	"ContainerNotFound":               "there is no such container",
	"404":                             "there is no such bucket",
	"InvalidAccessKeyId":              "the server does not know this access key",
	"SignatureDoesNotMatch":           "the secret key is not the access key's",
	"AuthenticationFailed":            "the storage account does not take this key or token",
	"401":                             "the credentials are not valid",
	"AccessDenied":                    "these credentials may not do that",
	"Forbidden":                       "these credentials may not do that",
	"AuthorizationFailure":            "these credentials may not do that",
	"AuthorizationPermissionMismatch": "these credentials may not do that",
	"403":                             "these credentials may not do that",
	"ExpiredToken":                    "the credentials have expired",
	"RequestTimeTooSkewed":            "the clock of this machine is wrong",
	"PermanentRedirect":               "the bucket is in another region: set region in its URL",
	"AuthorizationHeaderMalformed":    "the bucket is in another region: set region in its URL",
}

// explained is an error of a bucket that is being opened in words for whoever sets it up.
func explained(err error) error {
	var code, message string
	var answer smithy.APIError
	var azure *azcore.ResponseError
	var google *googleapi.Error
	switch {
	case errors.As(err, &answer):
		code, message = answer.ErrorCode(), answer.ErrorMessage()
	case errors.As(err, &azure):
		code, message = azure.ErrorCode, http.StatusText(azure.StatusCode)
	case errors.As(err, &google):
		code, message = strconv.Itoa(google.Code), google.Message
	default:
		return err
	}
	return fmt.Errorf("%s (%s)", cmp.Or(explanations[code], message), code)
}
