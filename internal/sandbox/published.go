package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Post is one thing that readers got to see on a service. It stays in the record when it is deleted
// there: it has been seen.
type Post struct {
	Platform string `json:"platform"`
	Account  string `json:"account"`
	ID       string `json:"id"`
	Title    string `json:"title"`
	Text     string `json:"text"`
	HTML     string `json:"html"`
	// Files are those it shows, PostLink the address it shows as a card, Parts what was added to it: further posts of a
	// thread, its first comment. Audience is whom an e-mail went to.
	Files    []PostFile `json:"files,omitempty"`
	PostLink string     `json:"link,omitempty"`
	Parts    []string   `json:"parts,omitempty"`
	Audience string     `json:"audience,omitempty"`
	// URL is where the post was when it was published, absolute.
	URL         string    `json:"url"`
	PublishedAt time.Time `json:"published_at"`
	// TimesPublished counts how often the post became visible. More than once means that readers were
	// told of it again.
	TimesPublished int `json:"times_published"`
}

// Double is content that was published more than once on one account.
type Double struct {
	Platform string `json:"platform"`
	Account  string `json:"account"`
	Title    string `json:"title"`
	Text     string `json:"text,omitempty"`
	// IDs are the posts; a single one was published repeatedly.
	IDs []string `json:"ids"`
	// Times is how often the content was published in all.
	Times int `json:"times"`
}

// Published lists what was published, the newest first.
func (s *Sandbox) Published() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facebookTick()
	posts := make([]Post, 0, len(s.state.Published))
	for _, post := range s.state.Published {
		posts = append(posts, *post)
	}
	slices.Reverse(posts)
	slices.SortStableFunc(posts, func(a, b Post) int { return b.PublishedAt.Compare(a.PublishedAt) })
	return posts
}

// TimesPublished counts how often the title was published on an account, over all its posts. Exactly
// once is 1.
func (s *Sandbox) TimesPublished(platform, account, title string) int {
	times := 0
	for _, post := range s.Published() {
		if post.Platform == platform && post.Account == account && post.Title == title {
			times += post.TimesPublished
		}
	}
	return times
}

// Doubles lists what was published more than once: one post that was published again, several
// posts of one account with the same title (where the service has no titles, with the same text; without a text, with the
// same link or files), or a part of a post that says the same as another of it.
func (s *Sandbox) Doubles() []Double { return doubles(s.Published()) }

func doubles(posts []Post) []Double {
	type content struct{ platform, account, heading string }
	found := map[content]*Double{}
	for _, post := range posts {
		key := content{post.Platform, post.Account, cmp.Or(post.Title, post.Text, post.PostLink, fileHashes(post.Files), post.ID)}
		double := found[key]
		if double == nil {
			double = &Double{Platform: post.Platform, Account: post.Account, Title: post.Title, Text: post.Text}
			found[key] = double
		}
		double.IDs = append(double.IDs, post.ID)
		double.Times += post.TimesPublished
		for i, part := range post.Parts {
			if slices.Contains(post.Parts[:i], part) {
				found[content{post.Platform, post.Account, post.ID + part}] = &Double{Platform: post.Platform, Account: post.Account, Text: part, IDs: []string{post.ID}, Times: 2}
			}
		}
	}
	all := []Double{}
	for _, double := range found {
		if double.Times > 1 {
			all = append(all, *double)
		}
	}
	slices.SortFunc(all, func(a, b Double) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Title, b.Title),
			cmp.Compare(a.Text, b.Text))
	})
	return all
}

// fileHashes tells files apart.
func fileHashes(files []PostFile) string {
	var all strings.Builder
	for _, file := range files {
		all.WriteString(file.SHA256)
	}
	return all.String()
}

// recordPublished notes that a post became visible. The caller holds s.mu.
func (s *Sandbox) recordPublished(post Post) {
	if known := s.record(post.Platform, post.Account, post.ID); known != nil {
		post.TimesPublished = known.TimesPublished + 1
		*known = post
		return
	}
	post.TimesPublished = 1
	s.state.Published = append(s.state.Published, &post)
}

// recordEdited notes that a visible post changed. The caller holds s.mu.
func (s *Sandbox) recordEdited(post Post) {
	if known := s.record(post.Platform, post.Account, post.ID); known != nil {
		post.TimesPublished = known.TimesPublished
		*known = post
	}
}

func (s *Sandbox) record(platform, account, id string) *Post {
	for _, post := range s.state.Published {
		if post.Platform == platform && post.Account == account && post.ID == id {
			return post
		}
	}
	return nil
}
