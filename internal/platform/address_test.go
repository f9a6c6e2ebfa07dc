package platform

import (
	"net/url"
	"testing"
)

func TestPostIDOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          Name
		address, want string
	}{
		{Twitter, "https://x.com/bluebottle/status/1790000000000000000", "1790000000000000000"},
		{Twitter, "https://twitter.com/i/status/20?s=46", "20"},
		{Twitter, "https://x.com/bluebottle/status/20/photo/1", "20"},
		{Twitter, "https://x.com/bluebottle", "https://x.com/bluebottle"},
		{Twitter, "https://x.com/bluebottle/status/99999999999999999999", "https://x.com/bluebottle/status/99999999999999999999"},
		{LinkedIn, "https://www.linkedin.com/feed/update/urn:li:share:7123456789012345678/", "urn:li:share:7123456789012345678"},
		{LinkedIn, "https://www.linkedin.com/feed/update/urn%3Ali%3AugcPost%3A71", "urn:li:ugcPost:71"},
		// An activity is another thing than the share that it tells of.
		{LinkedIn, "https://www.linkedin.com/feed/update/urn:li:activity:71", "https://www.linkedin.com/feed/update/urn:li:activity:71"},
		{Facebook, "https://www.facebook.com/permalink.php?story_fbid=12&id=34", "34_12"},
		{Facebook, "https://www.facebook.com/blue/posts/pfbid02abc", "https://www.facebook.com/blue/posts/pfbid02abc"},
		{Ghost, "https://blog.example.com/bread/", "https://blog.example.com/bread/"},
		{Mailchimp, "https://mailchi.mp/abc/bread", "https://mailchi.mp/abc/bread"},
	} {
		address, err := url.Parse(test.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := PostIDOf(test.name, address); got != test.want {
			t.Errorf("%s: %s, want %s", test.address, got, test.want)
		}
	}
}
