package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/images"
	"fanfare/internal/mediafile"
	"fanfare/queries"
)

// Image is a photo in Unsplash's library, which a customer does not have yet.
type Image struct {
	ID          string      `json:"id" doc:"Unsplash's own, with which use-image takes the photo." example:"LBI7cgq3pbM"`
	Description string      `json:"description" doc:"What its photographer wrote; empty for many."`
	AltText     string      `json:"alt_text" doc:"Describes it to those who cannot see it."`
	Width       int         `json:"width" doc:"The original's, in pixels."`
	Height      int         `json:"height" doc:"In pixels."`
	Color       string      `json:"color" doc:"What most of it looks like; empty where Unsplash does not say." example:"#60544d"`
	URLs        ImageURLs   `json:"urls" doc:"Where it is shown from before it is used. Show it from there and not from copies: Unsplash counts its views."`
	Credit      ImageCredit `json:"credit"`
}

// ImageURLs are the addresses of a photo's sizes.
type ImageURLs struct {
	Regular string `json:"regular" format:"uri" doc:"1080 pixels wide."`
	Small   string `json:"small" format:"uri" doc:"400 pixels wide."`
	Thumb   string `json:"thumb" format:"uri" doc:"200 pixels wide."`
}

// ImageCredit says whose photo it is. Unsplash's terms want it wherever the photo is shown.
type ImageCredit struct {
	Photographer    string `json:"photographer" example:"Annie Spratt"`
	PhotographerURL string `json:"photographer_url" format:"uri"`
	Source          string `json:"source" example:"Unsplash"`
	SourceURL       string `json:"source_url" format:"uri"`
	Text            string `json:"text" doc:"The credit in plain text, to be added to a post." example:"Photo by Annie Spratt on Unsplash"`
	HTML            string `json:"html" doc:"The credit with its links."`
}

// ImageResults are a page of what a search has found.
type ImageResults struct {
	Items []Image `json:"items" nullable:"false"`
	Total int     `json:"total" doc:"How many there are."`
	Pages int     `json:"pages" doc:"How many pages there are."`
}

type imagesOutput struct{ Body ImageResults }

// ImageSearch is what is looked for, and how much of it is to be answered.
type ImageSearch struct {
	CustomerPath
	Query       string `query:"query" required:"true" minLength:"1" maxLength:"200" doc:"Words for what the photo should show." example:"bakery"`
	Orientation string `query:"orientation" enum:"landscape,portrait,squarish"`
	Page        int    `query:"page" minimum:"1" maximum:"1000" default:"1"`
	PerPage     int    `query:"per_page" minimum:"1" maximum:"30" default:"10"`
}

// ImageUse chooses a photo.
type ImageUse struct {
	ImageID string  `json:"image_id" minLength:"1" maxLength:"40" pattern:"^[A-Za-z0-9_-]+$" doc:"The photo's id, as search-images gives it."`
	AltText *string `json:"alt_text,omitempty" maxLength:"2000" doc:"In place of Unsplash's own description."`
}

const (
	// useTimeout bounds the use of a photo: Unsplash is asked twice and sends a file.
	useTimeout = 90 * time.Second
	// unsplashPause is when to try again where Unsplash has a problem.
	unsplashPause = 30 * time.Second
)

func (a *API) registerImages() {
	tags := []string{"Media"}
	searching := needs("posts:read", "posts:write")
	searching[classKey], searching[timeoutKey] = imagesClass, 30*time.Second
	register(a, huma.Operation{
		OperationID: "search-images", Metadata: searching, Method: http.MethodGet, Path: "/v1/customers/{customer_id}/images", Tags: tags, Summary: "Find photos in Unsplash's library",
		Description: "Photos by photographers who let everybody use them; only those that are safe to be shown to everybody are found. " +
			"Show them from the addresses that are given, with their credit. use-image makes one a file of the customer's.",
		Errors: []int{http.StatusBadGateway},
	}, a.searchImages)
	using := needs("posts:write")
	using[classKey], using[timeoutKey] = imagesClass, useTimeout
	register(a, huma.Operation{
		OperationID: "use-image", Metadata: using, Method: http.MethodPost, Path: "/v1/customers/{customer_id}/media/images", Tags: tags, Summary: "Make a photo of Unsplash's a file of the customer",
		Description: "Fetches the photo, at most 2048 pixels wide and high, tells Unsplash that it is used, and keeps its credit with the file. " +
			"Posts show it like a file that was uploaded; the credit goes into a post's text if its author puts it there.",
		DefaultStatus: http.StatusCreated, Errors: []int{http.StatusBadGateway},
	}, a.useImage)
}

// noImages is the answer where no library of photos is set up.
func noImages() *Problem {
	return problem(http.StatusServiceUnavailable, "Searching for images is not set up on this server: it needs FANFARE_UNSPLASH_ACCESS_KEY, the access key of an application at Unsplash.")
}

// imagesKind is what usage counts a request to Unsplash as.
const imagesKind = "search_images"

// askUnsplash is the way of every request to Unsplash's API for a customer. Each that succeeds is counted: a search is one, and the
// use of a photo two. It was made, whatever becomes of the caller's request meanwhile.
func askUnsplash[T any](ctx context.Context, a *API, customerID uuid.UUID, ask func() (T, error)) (answer T, err error) {
	if err := a.chargePerson(ctx, customerID, a.imagesOfPerson()); err != nil {
		return answer, err
	}
	answer, err = ask()
	if err != nil {
		return answer, imageProblem(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return answer, a.tx(ctx, scope(ctx).In(customerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return q.UsageCount(ctx, queries.UsageCountParams{Kind: imagesKind, Count: 1})
	})
}

// imageProblem explains a failure at Unsplash.
func imageProblem(err error) error {
	var fault *images.Error
	if !errors.As(err, &fault) {
		return err
	}
	status, again := http.StatusBadGateway, time.Duration(0)
	message := fault.Message
	switch fault.Class {
	case images.NotFound:
		status = http.StatusNotFound
	case images.RateLimited:
		// Unsplash counts by the hour, and does not say when one ends.
		status, again = http.StatusTooManyRequests, 10*time.Minute
	case images.Unavailable:
		status, again = http.StatusServiceUnavailable, unsplashPause
	case images.Credential:
		status = http.StatusServiceUnavailable
		message += " Whoever runs this server has to correct FANFARE_UNSPLASH_ACCESS_KEY."
	case images.BadAnswer:
	}
	p := problem(status, message).cause(err)
	p.retryAfter = again
	return p
}

func (a *API) searchImages(ctx context.Context, in *ImageSearch) (*imagesOutput, error) {
	// Whoever may not search is told so before anything is asked.
	if err := a.enter(ctx, in.CustomerID); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Query) == "" {
		return nil, invalid("query.query", "is empty")
	}
	if a.Images == nil {
		return nil, noImages()
	}
	found, err := askUnsplash(ctx, a, in.CustomerID, func() (images.Results, error) {
		return a.Images.Search(ctx, images.Query{Text: in.Query, Orientation: in.Orientation, Page: in.Page, PerPage: in.PerPage})
	})
	if err != nil {
		return nil, err
	}
	out := &imagesOutput{Body: ImageResults{Items: []Image{}, Total: found.Total, Pages: found.Pages}}
	for _, image := range found.Images {
		out.Body.Items = append(out.Body.Items, Image{
			ID: image.ID, Description: image.Description, AltText: image.AltText, Width: image.Width, Height: image.Height, Color: image.Color,
			URLs: ImageURLs{Regular: image.Regular, Small: image.Small, Thumb: image.Thumb}, Credit: creditFrom(image.Credit),
		})
	}
	return out, nil
}

func creditFrom(c images.Credit) ImageCredit {
	return ImageCredit{
		Photographer: c.Photographer, PhotographerURL: c.PhotographerURL, Source: c.Source, SourceURL: c.SourceURL, Text: c.Text(), HTML: c.HTML(),
	}
}

// enter enters a customer and charges the request, where nothing is read there before somebody else is asked.
func (a *API) enter(ctx context.Context, customerID uuid.UUID) error {
	entered, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) (bool, error) { return q.CustomerEntered(ctx) })
	if err == nil && !entered {
		err = forbidden()
	}
	return err
}

// useImage stores a photo as createMedia stores an upload: its row first, which says who may, then its bytes. It becomes a file that
// posts can show once Unsplash knows that it is used.
func (a *API) useImage(ctx context.Context, in *struct {
	CustomerPath
	Body ImageUse
}) (*mediaOutput, error) {
	customer := scope(ctx).In(in.CustomerID)
	if out, err := answered[mediaOutput](ctx, a, customer); out != nil || err != nil {
		return out, err
	}
	switch {
	case a.Images == nil:
		return nil, noImages()
	case a.Bucket == nil:
		return nil, noBucket()
	}
	u := &upload{MediaPath: MediaPath{CustomerPath: in.CustomerPath}, contentType: mediafile.JPEG, limit: mediafile.MaxImage, sum: sha256.New()}
	var err error
	if u.MediaID, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	if err := a.beginUpload(ctx, u, -1, "unsplash-"+in.Body.ImageID+".jpg", ""); err != nil {
		return nil, err
	}
	out, err := a.storeImage(ctx, u, in.Body)
	if err != nil || out.Body.ID != u.MediaID { // or the same request was answered meanwhile
		a.giveUp(ctx, u)
	}
	return out, err
}

// storeImage fetches the photo, reports its use, and makes the upload one that posts can show.
func (a *API) storeImage(ctx context.Context, u *upload, use ImageUse) (*mediaOutput, error) {
	image, err := askUnsplash(ctx, a, u.CustomerID, func() (images.Image, error) { return a.Images.Photo(ctx, use.ImageID) })
	if err != nil {
		return nil, err
	}
	content, err := a.Images.Fetch(ctx, image)
	if err != nil {
		return nil, imageProblem(err)
	}
	defer content.Close()
	head, err := io.ReadAll(io.LimitReader(content, mediafile.HeadSize))
	if err != nil {
		return nil, imageProblem(err)
	}
	if u.contentType, err = mediafile.Sniff(head); err != nil || strings.HasPrefix(u.contentType, "video/") {
		return nil, imageProblem(&images.Error{Class: images.BadAnswer, Message: "What Unsplash sent is no image that can be published.", Err: err})
	}
	ready, err := a.storeBytes(ctx, u, io.MultiReader(strings.NewReader(string(head)), content))
	if err != nil {
		var fault *mediafile.Error
		if errors.As(err, &fault) {
			err = &images.Error{Class: images.BadAnswer, Message: "What Unsplash sent is no image that can be published.", Err: err}
		}
		return nil, imageProblem(err)
	}
	altText := cmp.Or(image.AltText, image.Description)
	if use.AltText != nil {
		altText = *use.AltText
	}
	source, credit := unsplashSource, image.Credit
	ready.AltText, ready.Source, ready.SourceID, ready.SourceURL = &altText, &source, &image.ID, &credit.SourceURL
	ready.Photographer, ready.PhotographerURL = &credit.Photographer, &credit.PhotographerURL
	if _, err := askUnsplash(ctx, a, u.CustomerID, func() (struct{}, error) { return struct{}{}, a.Images.ReportUse(ctx, image) }); err != nil {
		return nil, err
	}
	return a.finishUpload(ctx, u, ready)
}

// unsplashSource is how the database names Unsplash.
const unsplashSource = "unsplash"

// creditOf is the credit that a file has, nil where it has none.
func creditOf(row queries.MediaGetRow) *ImageCredit {
	if row.Source == nil || row.SourceURL == nil || row.Photographer == nil || row.PhotographerURL == nil {
		return nil
	}
	credit := creditFrom(images.Credit{Photographer: *row.Photographer, PhotographerURL: *row.PhotographerURL, Source: "Unsplash", SourceURL: *row.SourceURL})
	return &credit
}
