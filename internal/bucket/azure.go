package bucket

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// openAzure opens a container of Azure Blob Storage, with what Azure's environment variables hold, or as the machine's identity.
func (l location) openAzure(ctx context.Context) (*blob.Bucket, error) {
	service := azureblob.NewDefaultServiceURLOptions()
	service.AccountName = cmp.Or(l.parameters["storage_account"], service.AccountName)
	service.StorageDomain = cmp.Or(l.parameters["domain"], service.StorageDomain)
	service.Protocol = cmp.Or(l.parameters["protocol"], service.Protocol)
	if service.AccountName == "" {
		return nil, errors.New("the storage account is not known: add it, as in azblob://container?storage_account=name, or set AZURE_STORAGE_ACCOUNT")
	}
	serviceURL, err := azureblob.NewServiceURL(service)
	if err != nil {
		return nil, errors.New("domain or protocol is none")
	}
	client, err := l.azureClient(string(serviceURL), service)
	if err != nil {
		return nil, err
	}
	return azureblob.OpenBucket(ctx, client, nil)
}

// azureClient is signed in by the first of these that is set: a shared key, a SAS token, a connection string; else by Azure's own identities.
func (l location) azureClient(serviceURL string, service *azureblob.ServiceURLOptions) (*container.Client, error) {
	containerURL, err := url.JoinPath(serviceURL, l.bucket)
	if err != nil {
		return nil, errors.New("the container's URL cannot be made")
	}
	// Its errors, unlike those of http.Client, do not name the URL, in which a SAS token is.
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: doer(http.DefaultTransport.RoundTrip)}}
	key, _ := os.LookupEnv("AZURE_STORAGE_KEY")
	connection, _ := os.LookupEnv("AZURE_STORAGE_CONNECTION_STRING")
	switch {
	case key != "":
		credential, err := container.NewSharedKeyCredential(service.AccountName, key)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_KEY is no key of a storage account")
		}
		return container.NewClientWithSharedKeyCredential(containerURL, credential, options)
	case service.SASToken != "":
		return container.NewClientWithNoCredential(containerURL, options)
	case connection != "":
		client, err := container.NewClientFromConnectionString(connection, l.bucket, options)
		if err != nil {
			return nil, errors.New("AZURE_STORAGE_CONNECTION_STRING is no connection string")
		}
		return client, nil
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, errors.New("no credentials were found: set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, or give the machine an identity")
	}
	return container.NewClient(containerURL, identity, options)
}
