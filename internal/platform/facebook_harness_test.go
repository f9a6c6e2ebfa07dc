package platform_test

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
)

const facebookPageID = "20001"

// facebookBundle is a publishBundle of a page at Facebook.
type facebookBundle struct {
	*publishBundle
	config platform.FacebookConfig
}

func setupFacebook(t *testing.T) *facebookBundle {
	t.Helper()
	c := setupConnect(t)
	id, secret := c.box.AddOAuthApp("facebook", callback)
	// What a request has done is to be seen at once here.
	config := platform.FacebookConfig{
		App: platform.OAuthApp{ClientID: id, ClientSecret: secret}, SiteURL: c.base + "/facebook", GraphURL: c.base + "/facebook-graph",
		Insights: true, Settle: time.Nanosecond,
	}
	c.connectors[platform.Facebook] = platform.NewFacebookConnector(config)
	login := c.login(platform.Facebook, c.connect(platform.Facebook, people[platform.Facebook]))
	b := &facebookBundle{newPublish(c, platform.Facebook), config}
	b.credential = login.Accounts[0].Credential
	b.publisher = platform.NewFacebook(config)
	b.post = platform.Post{ID: uuid.New(), Text: "Fresh rolls at seven.\n\nCome early!"}
	return b
}

// goOn does what a worker does until the post is published: it asks for what became of an unknown outcome before it
// publishes again. Time passes in between.
func (b *facebookBundle) goOn(unresolved bool) platform.Published {
	b.t.Helper()
	var last error
	for range 8 {
		b.failKeeping(nil)
		b.clock.advance(2 * time.Second)
		if unresolved {
			found, err := b.reconcile()
			if found != nil {
				return *found
			}
			if err != nil {
				last = err
				continue
			}
		}
		published, err := b.publish()
		if err == nil {
			return published
		}
		var e *platform.Error
		unresolved = errors.As(err, &e) && e.Class == platform.UnknownOutcome
		last = err
	}
	b.t.Fatalf("it does not come to an end: %v", last)
	return platform.Published{}
}

// wantOnce checks that the page has the post, published once, with so many files and the parts.
func (b *facebookBundle) wantOnce(published platform.Published, files int, parts ...string) {
	b.t.Helper()
	if got := b.only(); got.ID != published.ExternalID || (got.URL != published.URL && b.base+"/facebook/"+got.ID != published.URL) || got.Account != facebookPageID || len(got.Files) != files || !slices.Equal(got.Parts, parts) {
		b.t.Errorf("there is %+v; the adapter says %+v", got, published)
	}
}

// facebookPhotos are images that differ.
func facebookPhotos(t *testing.T, count int) []platform.Media {
	t.Helper()
	var media []platform.Media
	for i := range count {
		media = append(media, pngFile(t, image.NewGray(image.Rect(0, 0, 10+i, 10)), fmt.Sprintf("Rolls, basket %d", i+1)))
	}
	return media
}

// facebookVideo is one that the sandbox takes in three pieces.
func facebookVideo() platform.Media {
	content := append([]byte{0, 0, 0, 24}, "ftypmp42"...)
	for len(content) < 5<<19 {
		content = append(content, byte(len(content)*7>>3))
	}
	return file("video/mp4", content, "")
}
