package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/internal/mediafile"
	"fanfare/queries"
)

// Media is a file that posts can show: an image or a video.
type Media struct {
	ID          uuid.UUID `json:"id" format:"uuid"`
	Name        string    `json:"name" doc:"The file's name."`
	AltText     string    `json:"alt_text" doc:"Describes it to those who cannot see it."`
	ContentType string    `json:"content_type" doc:"What it is, as found in its bytes." example:"image/png"`
	Bytes       int64     `json:"bytes"`
	SHA256      *string   `json:"sha256" doc:"In hexadecimal."`
	Width       *int32    `json:"width" doc:"In pixels, as it is meant to be seen."`
	Height      *int32    `json:"height" doc:"In pixels."`
	DurationMS  *int64    `json:"duration_ms" doc:"How long a video lasts, in milliseconds; null where it does not say."`
	Animated    bool      `json:"animated" doc:"An image that moves."`
	// Credit is of a photo that use-image has taken.
	Credit    *ImageCredit `json:"credit,omitempty" doc:"Whose photo it is, where use-image took it from Unsplash, whose terms want the credit wherever the photo is shown. Not there for files that were uploaded."`
	CreatedBy *uuid.UUID   `json:"created_by" format:"uuid" nullable:"true" doc:"The person who uploaded it."`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

type mediaOutput struct {
	ETag string `header:"ETag"`
	Body Media
}

// MediaPath is the path of a file.
type MediaPath struct {
	CustomerPath
	MediaID uuid.UUID `path:"media_id" format:"uuid" doc:"The file."`
}

// MediaUpdate changes the fields that are given.
type MediaUpdate struct {
	Name    *string `json:"name,omitempty" maxLength:"255"`
	AltText *string `json:"alt_text,omitempty" maxLength:"2000"`
}

func (a *API) registerMedia() {
	tags := []string{"Media"}
	const list, one = "/v1/customers/{customer_id}/media", "/v1/customers/{customer_id}/media/{media_id}"
	reads := needs("posts:read", "posts:write", "posts:publish")
	register(a, huma.Operation{
		OperationID: "list-media", Metadata: reads, Method: http.MethodGet, Path: list, Tags: tags, Summary: "List files",
	}, a.listMedia)
	uploads := needs("posts:write")
	uploads[timeoutKey] = uploadTimeout
	register(a, huma.Operation{
		OperationID: "create-media", Metadata: uploads, Method: http.MethodPost, Path: list, Tags: tags, Summary: "Upload a file",
		Description: fmt.Sprintf("The request's body is the file itself: a JPEG, PNG, GIF or WebP image of up to %d MiB, or an MP4 or MOV video of up to %d MiB. "+
			"What it is, is found in its bytes; Content-Type is not believed. An upload may take its time, as long as something arrives.",
			mediafile.MaxImage>>20, mediafile.MaxVideo>>20),
		DefaultStatus: http.StatusCreated, RequestBody: fileBody(),
		Errors: []int{http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
	}, a.createMedia)
	register(a, huma.Operation{
		OperationID: "get-media", Metadata: reads, Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a file's description",
	}, a.getMedia)
	register(a, huma.Operation{
		OperationID: "update-media", Metadata: needs("posts:write"), Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change a file's name or description",
		Description: "The file itself never changes: upload another one. A post that shows it and is approved is to be approved again where its description changes.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.updateMedia)
	register(a, huma.Operation{
		OperationID: "delete-media", Metadata: needs("posts:write"), Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete a file that no post shows",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteMedia)
	register(a, huma.Operation{
		OperationID: "get-media-content", Metadata: reads, Method: http.MethodGet, Path: one + "/content", Tags: tags, Summary: "Download a file",
		Description: "The file, or the part of it that `Range` names.",
		Errors:      []int{http.StatusRequestedRangeNotSatisfiable},
		Responses:   map[string]*huma.Response{"200": fileResponse("The file."), "206": fileResponse("The part that was asked for.")},
	}, a.getMediaContent)
}

// fileContent describes bytes of every kind of file.
func fileContent(more ...string) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	for _, kind := range append(more, mediafile.Types...) {
		content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return content
}

func fileBody() *huma.RequestBody {
	return &huma.RequestBody{Description: "The file.", Required: true, Content: fileContent("application/octet-stream")}
}

func fileResponse(description string) *huma.Response {
	return &huma.Response{Description: description, Content: fileContent()}
}

func (a *API) listMedia(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Media], error) {
	before, err := in.before(listOfMedia)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.MediaListRow, error) {
		return q.MediaList(ctx, queries.MediaListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.MediaListRow) (Media, error) { return mediaFrom(queries.MediaGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.MediaListRow) string { return cursorOf(listOfMedia, row.ID) })
	return &pageOutput[Media]{Body: body}, err
}

func (a *API) mediaRow(ctx context.Context, in MediaPath) (queries.MediaGetRow, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.MediaGetRow, error) { return q.MediaGet(ctx, in.MediaID) })
	return row, noRows(err, "file")
}

func (a *API) getMedia(ctx context.Context, in *MediaPath) (*mediaOutput, error) {
	row, err := a.mediaRow(ctx, *in)
	if err != nil {
		return nil, err
	}
	return mediaAnswer(row), nil
}

func (a *API) updateMedia(ctx context.Context, in *struct {
	MediaPath
	Condition
	Body MediaUpdate
}) (*mediaOutput, error) {
	if in.Body.Name == nil && in.Body.AltText == nil {
		return nil, nothingToChange()
	}
	if in.Body.Name != nil {
		name := fileName(*in.Body.Name)
		in.Body.Name = &name
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mediaOutput, error) {
		var row queries.MediaGetRow
		get := func() (err error) {
			row, err = q.MediaGet(ctx, in.MediaID)
			return noRows(err, "file")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.MediaUpdate(ctx, queries.MediaUpdateParams{ID: in.MediaID, Version: version, Name: in.Body.Name, AltText: in.Body.AltText})
		}, get)
		if err == nil {
			err = get()
		}
		return mediaAnswer(row), err
	})
}

// deleteMedia puts the file out of reach, deletes its bytes, then its row: if it ends in between, a worker goes on with it.
func (a *API) deleteMedia(ctx context.Context, in *struct {
	MediaPath
	Condition
}) (*struct{}, error) {
	customer := scope(ctx).In(in.CustomerID)
	err := a.tx(ctx, customer, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.MediaHide(ctx, queries.MediaHideParams{ID: in.MediaID, Version: version})
		}, func() error {
			_, err := q.MediaGet(ctx, in.MediaID)
			return noRows(err, "file")
		})
	})
	if err != nil {
		return nil, err
	}
	a.removeMedia(ctx, in.MediaPath)
	return nil, nil //nolint:nilnil // there is nothing to say
}

// removeMedia deletes the bytes of a file that nobody sees any more, then its row. A worker does it otherwise, in a while.
func (a *API) removeMedia(ctx context.Context, in MediaPath) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	err := errors.New("there is no bucket")
	if a.Bucket != nil {
		err = a.Bucket.DeleteAll(ctx, bucket.Media(in.CustomerID)+in.MediaID.String())
	}
	if err == nil {
		err = a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
			return q.MediaDelete(ctx, in.MediaID)
		})
	}
	if err != nil {
		a.log.WarnContext(ctx, "a file is not deleted yet; a worker goes on with it", "error", err, "media_id", in.MediaID, "request_id", requestID(ctx))
	}
}

func (a *API) getMediaContent(ctx context.Context, in *MediaPath) (*huma.StreamResponse, error) {
	row, err := a.mediaRow(ctx, *in)
	if err != nil {
		return nil, err
	}
	if a.Bucket == nil {
		return nil, noBucket()
	}
	// Opened for the time of the whole answer, which outlasts this function and its ctx.
	file, err := a.Bucket.Read(context.WithoutCancel(ctx), row.Path)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, problem(http.StatusNotFound, "The file is gone.")
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer file.Close()
		disposition, kind := "inline", row.ContentType
		if !slices.Contains(mediafile.Types, kind) {
			disposition, kind = "attachment", "application/octet-stream"
		}
		parameters := map[string]string{}
		if row.Name != "" {
			parameters["filename"] = row.Name
		}
		ctx.SetHeader("Content-Type", kind)
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType(disposition, parameters))
		ctx.SetHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		if row.Sha256 != nil {
			ctx.SetHeader("ETag", `"`+hex.EncodeToString(row.Sha256)+`"`)
		}
		a.serveFile(ctx, file)
	}}, nil
}

// maxFileName is how much of a file's name is kept, in characters.
const maxFileName = 255

// fileName is a name without the folder that some browsers send along, and without what no name has.
func fileName(given string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, path.Base("/"+strings.ReplaceAll(given, `\`, "/")))
	if name == "/" || name == "." || name == ".." {
		return ""
	}
	return clip(name, maxFileName)
}

func mediaAnswer(row queries.MediaGetRow) *mediaOutput {
	return &mediaOutput{ETag: etag(row.Version), Body: mediaFrom(row)}
}

func mediaFrom(row queries.MediaGetRow) Media {
	media := Media{
		ID: row.ID, Name: row.Name, AltText: row.AltText, ContentType: row.ContentType, Bytes: row.Bytes, Width: row.Width, Height: row.Height,
		DurationMS: row.DurationMs, Animated: row.Animated, Credit: creditOf(row), CreatedBy: row.CreatedBy, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if row.Sha256 != nil {
		sum := hex.EncodeToString(row.Sha256)
		media.SHA256 = &sum
	}
	return media
}
