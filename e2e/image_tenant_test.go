package e2e

import (
	"net/http"
	"testing"
)

var imageOperations = tested(map[string]any{
	"search-images": asked("?query=bakery"),
	"use-image":     map[string]any{"image_id": "LBI7cgq3pbM"},
})

func TestImageTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, imageOperations)
	if n := w.s.box.Count("unsplash.search") + w.s.box.Count("unsplash.photo"); n != 0 {
		t.Errorf("Unsplash was asked %d times for a stranger", n)
	}
	// The same photo is a file of each customer that uses it, with a credit of its own.
	photo := w.s.box.UnsplashPhotoIDs()[3]
	type file struct{ ID string }
	mine := call[file](t, w.a.owner, http.MethodPost, w.a.path+"/media/images", map[string]any{"image_id": photo})
	theirs := call[file](t, w.b.owner, http.MethodPost, w.b.path+"/media/images", map[string]any{"image_id": photo})
	if mine.ID == theirs.ID || w.s.box.UnsplashDownloads()[photo] != 2 {
		t.Errorf("files %s and %s, used %d times", mine.ID, theirs.ID, w.s.box.UnsplashDownloads()[photo])
	}
	w.b.owner.expect(t, http.StatusNotFound, http.MethodGet, w.b.path+"/media/"+mine.ID, nil)
	w.hidesList(t, "media")
}
