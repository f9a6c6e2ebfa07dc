package images

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"fanfare/internal/httpclient"
	"fanfare/internal/platform"
)

// Config says how Unsplash is reached.
type Config struct {
	// AccessKey is the application's at Unsplash, which is asked in its name.
	AccessKey string
	// URL is where the API is, without a slash at its end; "" means UnsplashURL.
	URL string
	// App is the application's name, which links of credits carry as utm_source; "" means "fanfare".
	App string
}

// UnsplashURL is where Unsplash has its API.
const UnsplashURL = "https://api.unsplash.com"

// Limits of a request to Unsplash.
const (
	answerTimeout = 10 * time.Second // from dialling to the last byte of an answer
	photoTimeout  = time.Minute      // the same, for a photo
	dialTimeout   = 5 * time.Second
	maxAnswer     = 4 << 20 // bytes; 30 photos take about 200 KiB
)

// usedSize is the longest side of a photo that is used, in pixels, and its JPEG quality. X shows at most 4096 pixels of files of at
// most 5 MB, and everybody else less; originals have tens of megabytes. Unsplash makes such sizes of every photo
// (https://unsplash.com/documentation#dynamically-resizable-images).
const usedSize, usedQuality = "2048", "80"

// Unsplash is a client of Unsplash's API (https://unsplash.com/documentation). It sends each request once and follows no redirect.
type Unsplash struct {
	key, app string
	base     *url.URL
	client   *http.Client
	hourly   atomic.Int64 // what Unsplash said last; 0: nothing yet
}

// unapprovedHourly is how many requests an application has in an hour that Unsplash has not approved
// (https://unsplash.com/documentation#rate-limiting).
const unapprovedHourly = 50

// Hourly is how many requests Unsplash gives the application in an hour, as it said with its last answer.
func (u *Unsplash) Hourly() int { return int(cmp.Or(u.hourly.Load(), unapprovedHourly)) }

// NewUnsplash makes a client.
func NewUnsplash(config Config) (*Unsplash, error) {
	base, err := url.Parse(strings.TrimRight(cmp.Or(config.URL, UnsplashURL), "/"))
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, errors.New("images: the address of Unsplash's API is no http or https address")
	}
	if config.AccessKey == "" || strings.ContainsFunc(config.AccessKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("images: the access key of Unsplash is empty, or no key")
	}
	transport := httpclient.NewTransport(dialTimeout)
	// net/http repeats a request by itself where a connection breaks that is used again, and a use would be reported twice.
	transport.DisableKeepAlives = true
	return &Unsplash{
		key: config.AccessKey, app: cmp.Or(config.App, "fanfare"), base: base, client: &http.Client{CheckRedirect: httpclient.NoRedirects, Transport: transport},
	}, nil
}

// photo is a photo as Unsplash describes it.
type photo struct {
	ID             string  `json:"id"`
	Width          int     `json:"width"`
	Height         int     `json:"height"`
	Color          *string `json:"color"`
	Description    *string `json:"description"`
	AltDescription *string `json:"alt_description"`
	URLs           struct {
		Raw, Regular, Small, Thumb string
	} `json:"urls"`
	Links struct {
		DownloadLocation string `json:"download_location"`
	} `json:"links"`
	User struct {
		Name  string
		Links struct{ HTML string }
	}
}

// Search finds photos. Only those that are safe to be shown to everybody are found (content_filter high).
func (u *Unsplash) Search(ctx context.Context, q Query) (Results, error) {
	query := url.Values{"query": {q.Text}, "page": {strconv.Itoa(max(q.Page, 1))}, "per_page": {strconv.Itoa(q.PerPage)}, "content_filter": {"high"}}
	if q.Orientation != "" {
		query.Set("orientation", q.Orientation)
	}
	var found struct {
		Total      *int
		TotalPages int `json:"total_pages"`
		Results    []photo
	}
	if err := u.ask(ctx, u.base.JoinPath("search", "photos"), query, &found); err != nil {
		return Results{}, err
	}
	if found.Total == nil {
		return Results{}, badAnswer(http.StatusOK, nil)
	}
	results := Results{Total: *found.Total, Pages: found.TotalPages, Images: []Image{}}
	for _, p := range found.Results {
		if image, ok := u.image(p); ok {
			results.Images = append(results.Images, image)
		}
	}
	return results, nil
}

// photoID is what ids of photos look like.
var photoID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// IsID tells whether a text could be the id of a photo.
func IsID(text string) bool { return photoID.MatchString(text) }

// Photo gives the photo with an id.
func (u *Unsplash) Photo(ctx context.Context, id string) (Image, error) {
	if !IsID(id) {
		return Image{}, &Error{Class: NotFound, Message: "There is no such photo at Unsplash."}
	}
	var found photo
	if err := u.ask(ctx, u.base.JoinPath("photos", id), nil, &found); err != nil {
		return Image{}, err
	}
	image, ok := u.image(found)
	if !ok {
		return Image{}, badAnswer(http.StatusOK, nil)
	}
	return image, nil
}

// ReportUse tells Unsplash that a photo is used, which its guidelines want where somebody chooses one
// (https://help.unsplash.com/api-guidelines/more-on-each-guideline/guideline-triggering-a-download).
func (u *Unsplash) ReportUse(ctx context.Context, image Image) error {
	address, ok := u.own(image.used)
	if !ok {
		return badAnswer(http.StatusOK, nil)
	}
	var answered struct{ URL string }
	return u.ask(ctx, address, nil, &answered)
}

// Fetch opens the bytes of a photo, in a size for posts. The caller reads no more of them than it wants, and closes them. What an
// error of reading says holds no address.
func (u *Unsplash) Fetch(ctx context.Context, image Image) (io.ReadCloser, error) {
	address, err := url.Parse(image.original)
	if err != nil || !u.trusted(address) {
		return nil, badAnswer(http.StatusOK, nil)
	}
	query := address.Query()
	for name, value := range map[string]string{"w": usedSize, "h": usedSize, "fit": "max", "fm": "jpg", "q": usedQuality} {
		query.Set(name, value)
	}
	address.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, photoTimeout)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		cancel()
		return nil, badAnswer(http.StatusOK, err)
	}
	request.Header.Set("User-Agent", "Fanfare")
	response, err := u.client.Do(request)
	if err != nil {
		cancel()
		return nil, unreachable(err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		cancel()
		return nil, refusal(response.StatusCode, response.Header)
	}
	return &photoBody{ReadCloser: response.Body, cancel: cancel}, nil
}

// photoBody is a photo on its way. Its errors are *Error.
type photoBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Read reads from the connection.
func (b *photoBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unreachable(err)
	}
	return n, err
}

// Close ends the request.
func (b *photoBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// ask sends a request to the API and decodes its answer, a JSON object.
func (u *Unsplash) ask(ctx context.Context, address *url.URL, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	asked := *address
	if query != nil {
		asked.RawQuery = query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), nil)
	if err != nil {
		return badAnswer(0, err)
	}
	request.Header.Set("Authorization", "Client-ID "+u.key)
	request.Header.Set("Accept-Version", "v1")
	request.Header.Set("User-Agent", "Fanfare")
	response, err := u.client.Do(request)
	if err != nil {
		return unreachable(err)
	}
	defer response.Body.Close()
	if hourly, err := strconv.ParseInt(response.Header.Get("X-Ratelimit-Limit"), 10, 32); err == nil && hourly > 0 {
		u.hourly.Store(min(hourly, 1_000_000))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return unreachable(err)
	case response.StatusCode != http.StatusOK:
		return refusal(response.StatusCode, response.Header)
	case len(body) > maxAnswer:
		return badAnswer(response.StatusCode, errors.New("the answer is too large"))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return badAnswer(response.StatusCode, errors.New("the answer is not JSON of the documented shape")) // the decoder would quote it
	}
	return nil
}

// refusal judges an answer other than 200 by its status. Where the limit is used up, Unsplash answers 403 or 429, with no requests
// remaining; its body is then plain text.
func refusal(status int, header http.Header) *Error {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && header.Get("X-Ratelimit-Remaining") == "0":
		return &Error{Class: RateLimited, Status: status, Message: "Unsplash answers this installation no more for now: its requests of this hour are used up."}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return &Error{Class: Credential, Status: status, Message: "Unsplash does not accept this installation's access key."}
	case status == http.StatusNotFound, status == http.StatusGone:
		return &Error{Class: NotFound, Status: status, Message: "There is no such photo at Unsplash."}
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return &Error{Class: Unavailable, Status: status, Message: "Unsplash has a problem at the moment. Try again in a while."}
	default:
		return badAnswer(status, nil)
	}
}

func badAnswer(status int, err error) *Error {
	return &Error{Class: BadAnswer, Status: status, Message: "Unsplash gave an answer that cannot be understood.", Err: cmp.Or(err, fmt.Errorf("status %d", status))}
}

// unreachable is for a request without an answer. net/http names the address in its error, which holds the search.
func unreachable(err error) *Error {
	var named *url.Error
	if errors.As(err, &named) {
		err = named.Err
	}
	return &Error{Class: Unavailable, Message: "Unsplash cannot be reached at the moment. Try again in a while.", Err: err}
}

// image makes an Image of a photo; false where it lacks what cannot be done without, or leads elsewhere than to Unsplash.
func (u *Unsplash) image(p photo) (Image, bool) {
	page, err := url.Parse(p.User.Links.HTML)
	name := platform.ForeignText(p.User.Name, 200)
	if err != nil || !u.trusted(page) || !IsID(p.ID) || name == "" || p.Width < 1 || p.Height < 1 {
		return Image{}, false
	}
	for _, address := range []string{p.URLs.Raw, p.URLs.Regular, p.URLs.Small, p.URLs.Thumb} {
		if at, err := url.Parse(address); err != nil || !u.trusted(at) {
			return Image{}, false
		}
	}
	if _, ok := u.own(p.Links.DownloadLocation); !ok {
		return Image{}, false
	}
	description := platform.ForeignText(value(p.Description), 2000)
	color := value(p.Color)
	if !hexColor.MatchString(color) {
		color = ""
	}
	return Image{
		ID: p.ID, Description: description, AltText: cmp.Or(platform.ForeignText(value(p.AltDescription), 2000), description),
		Width: p.Width, Height: p.Height, Color: color,
		Regular: p.URLs.Regular, Small: p.URLs.Small, Thumb: p.URLs.Thumb, original: p.URLs.Raw, used: p.Links.DownloadLocation,
		Credit: Credit{Photographer: name, PhotographerURL: u.referring(page), Source: "Unsplash", SourceURL: u.referring(u.home())},
	}, true
}

var hexColor = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// home is Unsplash's own page, to which credits lead. With another API than the real one it is that one's.
func (u *Unsplash) home() *url.URL {
	if u.base.String() == UnsplashURL {
		return &url.URL{Scheme: "https", Host: "unsplash.com", Path: "/"}
	}
	home := *u.base
	home.Path += "/"
	return &home
}

// referring adds to a link where its reader comes from
// (https://help.unsplash.com/api-guidelines/more-on-each-guideline/guideline-attribution).
func (u *Unsplash) referring(to *url.URL) string {
	link := *to
	query := link.Query()
	query.Set("utm_source", u.app)
	query.Set("utm_medium", "referral")
	link.RawQuery = query.Encode()
	return link.String()
}

// own reads an address of the API itself, which alone is sent the key.
func (u *Unsplash) own(text string) (*url.URL, bool) {
	at, err := url.Parse(text)
	if err != nil || at.Scheme != u.base.Scheme || at.Host != u.base.Host || at.User != nil || !strings.HasPrefix(at.Path, u.base.Path+"/") || strings.Contains(at.Path, "..") {
		return nil, false
	}
	return at, true
}

// trusted tells whether an address leads to Unsplash: to a host of unsplash.com, or to where the API is.
func (u *Unsplash) trusted(at *url.URL) bool {
	if at.User != nil || len(at.String()) > 900 {
		return false
	}
	host := at.Hostname()
	return at.Scheme == u.base.Scheme && at.Host == u.base.Host ||
		at.Scheme == "https" && at.Port() == "" && (host == "unsplash.com" || strings.HasSuffix(host, ".unsplash.com"))
}
