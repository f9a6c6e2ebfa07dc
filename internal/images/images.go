// Package images finds photos in Unsplash's library and fetches the one that is used, as Unsplash's API guidelines want it
// (https://help.unsplash.com/api-guidelines/unsplash-api-guidelines): results are shown from the addresses that Unsplash
// names, the photographer and Unsplash are credited with links that say where the reader came from, and that a photo is used
// is reported. It stores nothing and decides nothing about who may ask.
package images

import "html"

// Image is a photo in a library.
type Image struct {
	// ID is the library's own.
	ID string
	// Description is what its photographer wrote, "" for many; AltText describes it to those who cannot see it.
	Description, AltText string
	// Width and Height are the original's, in pixels.
	Width, Height int
	// Color is what most of it looks like, such as #60544d.
	Color string
	// Regular is 1080 pixels wide, Small 400, Thumb 200. Whoever shows the photo before it is used shows it from there, so that
	// Unsplash can count its views.
	Regular, Small, Thumb string
	Credit                Credit

	// original is where every size of it is made, used what is to be asked when the photo is used.
	original, used string
}

// Credit says whose photo it is and where it comes from.
type Credit struct {
	Photographer, PhotographerURL string
	Source, SourceURL             string
}

// Text is the credit in plain text, as in "Photo by Annie Spratt on Unsplash".
func (c Credit) Text() string { return "Photo by " + c.Photographer + " on " + c.Source }

// HTML is the credit with its links.
func (c Credit) HTML() string {
	link := func(address, text string) string {
		return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(text) + `</a>`
	}
	return "Photo by " + link(c.PhotographerURL, c.Photographer) + " on " + link(c.SourceURL, c.Source)
}

// Query is what is looked for.
type Query struct {
	Text string
	// Orientation is landscape, portrait, squarish or "" for any.
	Orientation string
	// Page counts from 1. PerPage is at most MaxPerPage.
	Page, PerPage int
}

// MaxPerPage is how many images a page holds at most (https://unsplash.com/documentation#search-photos).
const MaxPerPage = 30

// Results are a page of what was found.
type Results struct {
	Total, Pages int
	Images       []Image
}

// Class says what kind of failure it is, and so what is to be done.
type Class string

// The classes.
const (
	// NotFound: there is no such photo, or not any more.
	NotFound Class = "not_found"
	// Credential: the library refuses the key of this installation, whose operator must act.
	Credential Class = "credential"
	// RateLimited: this installation has asked as often as it may for now.
	RateLimited Class = "rate_limited"
	// Unavailable: the library cannot be reached, or has a problem. Trying again later may help.
	Unavailable Class = "unavailable"
	// BadAnswer: what came back is not what the library's documentation says, or is a refusal that nobody foresaw.
	BadAnswer Class = "bad_answer"
)

// Error is a failure at a library.
type Error struct {
	Class Class
	// Status is the HTTP status of the answer, 0 if there was none.
	Status int
	// Message is for people: what happened and what to do. It never holds a secret.
	Message string
	// Err is the cause, for logs alone.
	Err error
}

// Error is the text for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return "images: " + string(e.Class) + ": " + e.Message + ": " + e.Err.Error()
	}
	return "images: " + string(e.Class) + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
