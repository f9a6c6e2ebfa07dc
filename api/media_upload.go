package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/internal/mediafile"
	"fanfare/queries"
)

const (
	// uploadTimeout bounds an upload in any case. Workers take one that is a day old for broken off.
	uploadTimeout = 6 * time.Hour
	// uploadStall is the default of Deps.UploadStall. In it at least uploadPiece bytes must arrive, or the rest: whoever sends nothing, or next to nothing, does
	// not hold a connection.
	uploadStall = 30 * time.Second
	uploadPiece = 16 << 10
	// uploadsPause is when to try again where too many files are uploaded at once.
	uploadsPause = 10 * time.Second
	// defaultMediaQuota is the default of Deps.MediaQuota.
	defaultMediaQuota = 10 << 30
)

// MediaUpload is an upload: the parameters of its request, and the body.
type MediaUpload struct {
	CustomerPath
	Upload
	Name    string `query:"name" maxLength:"255" doc:"The file's name."`
	AltText string `query:"alt_text" maxLength:"2000" doc:"Describes it to those who cannot see it."`
}

// Upload is the body of a request that is a file, which is not read into memory.
type Upload struct {
	// Size is what Content-Length says, -1 where it says nothing. The body itself is no part of what an Idempotency-Key is
	// for: it would have to be read to the end to see that it is the same.
	Size int64

	contentType string
	body        *uploadBody
}

// Resolve takes the body of the request.
func (u *Upload) Resolve(ctx huma.Context) []error {
	r, w := humago.Unwrap(ctx)
	u.Size, u.contentType = r.ContentLength, r.Header.Get("Content-Type")
	if r.Header.Get("Content-Encoding") != "" {
		u.contentType = "invalid" // where none is named, mediaTypes does not say so
	}
	u.body = &uploadBody{body: r.Body, control: http.NewResponseController(w)}
	return nil
}

// refuse refuses a body that is no file itself.
func (u *Upload) refuse() error {
	if strings.HasPrefix(u.contentType, "multipart/") || u.contentType == "invalid" { // see mediaTypes
		return problem(http.StatusUnsupportedMediaType, "The request's body must be the file itself, not a form, and not compressed.")
	}
	return nil
}

// uploadBody is the body of an upload. It moves the connection's deadlines on as long as something arrives.
type uploadBody struct {
	body    io.Reader
	control *http.ResponseController
	stall   time.Duration
	begun   bool
	ended   bool
	// arrived are the bytes since the deadline was set last.
	arrived int
	err     error // of the caller's connection
}

func (b *uploadBody) extend() {
	b.begun, b.arrived = true, 0
	now := time.Now()
	// Where there is no deadline to set, there is none to miss.
	_ = b.control.SetReadDeadline(now.Add(b.stall))
	_ = b.control.SetWriteDeadline(now.Add(b.stall + time.Minute)) // the answer comes after the body
}

// Read reads from the connection.
func (b *uploadBody) Read(into []byte) (int, error) {
	if !b.begun {
		b.extend()
	}
	n, err := b.body.Read(into)
	if b.arrived += n; b.arrived >= uploadPiece {
		b.extend()
	}
	switch {
	case errors.Is(err, io.EOF):
		// The server goes on listening, and would take the deadline for the caller's going away.
		b.ended = true
		_ = b.control.SetReadDeadline(time.Time{})
	case err != nil:
		b.err = err
	}
	return n, err
}

// done sets the limits for the answer, and for what the server reads of a body that nobody wants any more.
func (b *uploadBody) done() {
	now := time.Now()
	_ = b.control.SetWriteDeadline(now.Add(time.Minute))
	if !b.ended && b.err == nil {
		_ = b.control.SetReadDeadline(now.Add(5 * time.Second))
	}
}

// problem is why the body could not be read, nil where it could.
func (b *uploadBody) problem() error {
	switch {
	case b.err == nil:
		return nil
	case errors.Is(b.err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, fmt.Sprintf("Nothing more of the file has arrived for %d seconds, so the upload was given up.", int(b.stall.Seconds()))).cause(b.err)
	default:
		return problem(http.StatusBadRequest, "The file could not be read to its end.").cause(b.err)
	}
}

// upload is a file on its way into the bucket. It counts and hashes what goes through.
type upload struct {
	MediaPath
	contentType string
	size        int64 // so far
	limit, room int64 // of the type, and what is reserved
	sum         hash.Hash
}

func (u *upload) Write(piece []byte) (int, error) {
	u.size += int64(len(piece))
	if u.size > u.limit {
		return 0, u.tooLarge()
	}
	if u.size > u.room {
		return 0, noMediaRoom()
	}
	return u.sum.Write(piece)
}

func (u *upload) tooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The file is too large: a file of the type %s may have %d MiB.", u.contentType, u.limit>>20))
}

// noMediaRoom is the answer where a customer's files have all the room that they may have.
func noMediaRoom() *Problem {
	return conflict("The customer's files would take more room than they may. Delete some that no post shows.")
}

func tooManyUploads() *Problem {
	p := problem(http.StatusTooManyRequests, "The customer uploads 20 files at this moment, which is the most there can be at once. Try again when one is done.")
	p.retryAfter = uploadsPause
	return p
}

// fileProblem explains what is wrong with a file.
func fileProblem(err error) error {
	var fault *mediafile.Error
	if errors.As(err, &fault) {
		return invalid("body", fault.Message)
	}
	return err
}

// createMedia stores a file: its row first, then its bytes, then what was found in it. What comes to nothing is removed; what
// is left where this process dies meanwhile, a worker removes.
func (a *API) createMedia(ctx context.Context, in *MediaUpload) (*mediaOutput, error) {
	in.body.stall = cmp.Or(a.UploadStall, uploadStall)
	defer in.body.done()
	customer := scope(ctx).In(in.CustomerID)
	if out, err := answered[mediaOutput](ctx, a, customer); out != nil || err != nil {
		return out, err
	}
	if err := in.refuse(); err != nil {
		return nil, err
	}
	out, err := a.storeMedia(ctx, in.CustomerPath, in.body, in.Size, in.Name, in.AltText)
	if problem := in.body.problem(); err != nil && problem != nil {
		err = problem
	}
	return out, err
}

// storeMedia stores a file that posts are to show. size is -1 where it is not known.
func (a *API) storeMedia(ctx context.Context, in CustomerPath, body io.Reader, size int64, name, altText string) (*mediaOutput, error) {
	switch {
	case size > mediafile.MaxVideo:
		return nil, (&upload{contentType: mediafile.MP4, limit: mediafile.MaxVideo}).tooLarge()
	case a.Bucket == nil:
		return nil, noBucket()
	}
	head := make([]byte, mediafile.HeadSize)
	n, err := io.ReadFull(body, head)
	if head = head[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read file: %w", err)
	}
	u := &upload{sum: sha256.New()}
	if u.contentType, err = mediafile.Sniff(head); err != nil {
		return nil, fileProblem(err)
	}
	if u.limit = mediafile.MaxSize(u.contentType); size > u.limit {
		return nil, u.tooLarge()
	}
	u.CustomerPath = in
	if u.MediaID, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	if err := a.beginUpload(ctx, u, size, name, altText); err != nil {
		return nil, err
	}
	out, err := a.storeUpload(ctx, u, io.MultiReader(strings.NewReader(string(head)), body))
	if err != nil || out.Body.ID != u.MediaID { // or the same request was answered meanwhile
		a.giveUp(ctx, u)
	}
	return out, err
}

// beginUpload makes the file's row, with room for it. size is -1 where it is not known.
func (a *API) beginUpload(ctx context.Context, u *upload, size int64, name, altText string) error {
	wanted := size
	if wanted < 0 {
		wanted = u.limit
	}
	return a.tx(ctx, scope(ctx).In(u.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		if u.room, err = q.MediaReserve(ctx, queries.MediaReserveParams{
			Bytes: wanted, UpTo: size < 0, Quota: cmp.Or(a.MediaQuota, defaultMediaQuota),
		}); err != nil {
			return err
		}
		return q.MediaCreate(ctx, queries.MediaCreateParams{
			ID: u.MediaID, ContentType: u.contentType, Bytes: u.room, Name: fileName(name), AltText: altText,
		})
	})
}

// storeUpload writes the bytes, looks what they are, and makes the file one that posts can show.
func (a *API) storeUpload(ctx context.Context, u *upload, body io.Reader) (*mediaOutput, error) {
	ready, err := a.storeBytes(ctx, u, body)
	if err != nil {
		return nil, fileProblem(err)
	}
	return a.finishUpload(ctx, u, ready)
}

// storeBytes writes the bytes and looks what they are. Where they are no file that can be published, its error is a *mediafile.Error.
func (a *API) storeBytes(ctx context.Context, u *upload, body io.Reader) (ready queries.MediaReadyParams, err error) {
	key := bucket.Media(u.CustomerID) + u.MediaID.String()
	if err := a.Bucket.Write(ctx, key, u.contentType, func(w io.Writer) error {
		_, err := io.Copy(w, io.TeeReader(body, u))
		return err
	}); err != nil {
		return ready, fmt.Errorf("store file: %w", err)
	}
	file, err := a.Bucket.Read(ctx, key)
	if err != nil {
		return ready, fmt.Errorf("open file: %w", err)
	}
	defer file.Close()
	info, err := mediafile.Probe(file, u.size, u.contentType)
	if err != nil {
		return ready, err
	}
	width, height := int32(info.Width), int32(info.Height)
	ready = queries.MediaReadyParams{
		ID: u.MediaID, ContentType: u.contentType, Bytes: u.size, Sha256: u.sum.Sum(nil), Width: &width, Height: &height, Animated: info.Animated,
	}
	if info.Duration > 0 {
		milliseconds := info.Duration.Milliseconds()
		ready.DurationMs = &milliseconds
	}
	return ready, nil
}

// finishUpload makes the file one that posts can show.
func (a *API) finishUpload(ctx context.Context, u *upload, params queries.MediaReadyParams) (*mediaOutput, error) {
	return change(ctx, a, scope(ctx).In(u.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mediaOutput, error) {
		ready, err := q.MediaReady(ctx, params)
		if err != nil {
			return nil, err
		}
		if ready == 0 {
			return nil, forbidden() // the role here was taken away meanwhile
		}
		row, err := q.MediaGet(ctx, u.MediaID)
		return mediaAnswer(row), err
	})
}

// giveUp removes what an upload that came to nothing has left.
func (a *API) giveUp(ctx context.Context, u *upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	err := a.tx(ctx, scope(ctx).In(u.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		_, err := q.MediaGiveUp(ctx, u.MediaID)
		return err
	})
	if err != nil {
		a.log.WarnContext(ctx, "what a broken off upload has left is not removed; a worker does it in a day", "error", err, "media_id", u.MediaID, "request_id", requestID(ctx))
		return
	}
	a.removeMedia(ctx, u.MediaPath)
}
