package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/sandbox"
)

// facebookScope is what publishing takes.
const facebookScope = "pages_show_list,pages_manage_posts,pages_read_engagement,pages_manage_engagement,business_management,read_insights"

// facebookPage is a page of the sandbox, with its token.
type facebookPage struct {
	*oauthClient
	secret string
}

func setupFacebookPage(t *testing.T, changes ...string) *facebookPage {
	t.Helper()
	c := setupOAuth(t, "facebook")
	return &facebookPage{c, c.pageTokens(c.long(c.person, append([]string{"scope", facebookScope}, changes...)...))["20001"]}
}

// call sends a form, or a query with GET, with the page's token in the header.
func (p *facebookPage) call(method, path string, params ...string) reply {
	p.t.Helper()
	return p.send(method, "/facebook-graph/v26.0"+path, changed(url.Values{}, params...), "Authorization", "Bearer "+p.secret)
}

// upload sends a form with a file.
func (p *facebookPage) upload(path, name string, content []byte, fields ...string) reply {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		_ = form.WriteField(fields[i], fields[i+1])
	}
	part, err := form.CreateFormFile(name, "file")
	if err != nil {
		p.t.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = form.Close()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/facebook-graph/v26.0"+path, &body)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+p.secret)
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	_ = json.Unmarshal(data, &r.json)
	return r
}

func (p *facebookPage) good(r reply) reply {
	p.t.Helper()
	if r.status != http.StatusOK {
		p.t.Fatalf("%d %s", r.status, r.body)
	}
	return r
}

func facebookPNG(t *testing.T) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func (p *facebookPage) photo() string {
	p.t.Helper()
	return p.good(p.upload("/20001/photos", "source", facebookPNG(p.t), "published", "false", "alt_text_custom", "A roll")).text("id")
}

// list gives a field of each entry of a list.
func (r reply) list(field string) string {
	var all []string
	data, _ := r.json["data"].([]any)
	for _, one := range data {
		all = append(all, fmt.Sprint(one.(object)[field]))
	}
	return strings.Join(all, "|")
}

func TestFacebookFeed(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	one := p.good(p.call("POST", "/20001/feed", "message", " One\r\ntwo ")).text("id")
	p.clock.advance(time.Minute)
	two := p.good(p.call("POST", "/20001/feed", "link", "https://example.com/a")).text("id")
	p.clock.advance(time.Minute)
	photos := []string{p.photo(), p.photo()}
	three := p.good(p.call("POST", "/20001/feed", "message", "Three", "attached_media[0]", `{"media_fbid":"`+photos[1]+`"}`, "attached_media[1]", `{"media_fbid":"`+photos[0]+`"}`)).text("id")
	if got := p.call("GET", "/20001/feed").list("id"); got != three+"|"+two+"|"+one {
		t.Errorf("feed %s", got)
	}
	if got := p.call("GET", "/20001/feed", "since", fmt.Sprint(p.clock.now().Add(-90*time.Second).Unix())).list("id"); got != three+"|"+two {
		t.Errorf("since %s", got)
	}
	first := p.call("GET", "/20001/feed", "limit", "2", "fields", "message")
	next, _ := first.json["paging"].(object)["next"].(string)
	if strings.Contains(next, p.secret) {
		t.Errorf("the token is in %s", next)
	}
	rest := p.send("GET", strings.TrimPrefix(next, p.base), nil, "Authorization", "Bearer "+p.secret)
	if rest.list("message") != "One\ntwo" || strings.Contains(rest.body, `"next"`) {
		t.Errorf("rest %s", rest.body)
	}
	read := p.call("GET", "/"+three, "fields", "id,message,from,attachments{media_type,subattachments{media_type,target}},permalink_url,shares,reactions.limit(0).summary(true)")
	var parts []any
	for _, id := range []string{photos[1], photos[0]} {
		parts = append(parts, object{"media_type": "photo", "type": "photo", "target": object{"id": id}, "url": p.base + p.box.Published()[0].Files[0].Path()})
	}
	_, number, _ := strings.Cut(three, "_")
	attachments, _ := read.json["attachments"].(object)["data"].([]any)
	if diff := cmp.Diff(parts, attachments[0].(object)["subattachments"].(object)["data"]); diff != "" {
		t.Error(diff)
	}
	if read.text("permalink_url") != p.base+"/facebook/bluebottlebakery/posts/"+number || read.json["from"].(object)["id"] != "20001" || read.json["shares"] != nil {
		t.Errorf("%s", read.body)
	}
	posts := p.box.Published()
	if len(posts) != 3 || posts[0].Text != "Three" || len(posts[0].Files) != 2 || posts[0].Files[0].AltText != "A roll" || posts[1].PostLink != "https://example.com/a" || len(p.box.Doubles()) != 0 {
		t.Errorf("%+v", posts)
	}
	if page := p.send("GET", "/facebook/bluebottlebakery/posts/"+number, nil); page.status != http.StatusOK || !strings.Contains(page.body, "Three") || !strings.Contains(page.body, "A roll") {
		t.Errorf("page: %d", page.status)
	}
	if page := p.send("GET", "/facebook/"+one, nil); page.status != http.StatusOK {
		t.Errorf("page by id: %d", page.status)
	}
	if page := p.send("GET", "/facebook/bluebottlebakery/posts/1", nil); page.status != http.StatusNotFound {
		t.Errorf("no page: %d", page.status)
	}
	p.good(p.call("POST", "/20001/feed", "message", "Three"))
	if len(p.box.Doubles()) != 1 {
		t.Errorf("doubles %+v", p.box.Doubles())
	}
}

func TestFacebookPostsRefused(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	photo := p.photo()
	media := `{"media_fbid":"` + photo + `"}`
	for name, c := range map[string]struct {
		r    reply
		want string
	}{
		"nothing":           {p.call("POST", "/20001/feed", "message", " "), "[100,null]"},
		"too long":          {p.call("POST", "/20001/feed", "message", strings.Repeat("ü", 63207)), "[100,null]"},
		"no link":           {p.call("POST", "/20001/feed", "link", "example"), "[100,1500]"},
		"link and photo":    {p.call("POST", "/20001/feed", "link", "https://example.com", "attached_media[0]", media), "[100,null]"},
		"no photo":          {p.call("POST", "/20001/feed", "attached_media[0]", `{"media_fbid":"1"}`), "[100,33]"},
		"no object":         {p.call("POST", "/20001/feed", "attached_media[0]", `1`), "[100,null]"},
		"one photo twice":   {p.call("POST", "/20001/feed", "attached_media", "["+media+","+media+"]"), "[100,null]"},
		"another page":      {p.call("POST", "/20002/feed", "message", "a"), "[100,33]"},
		"no page":           {p.call("POST", "/29999/feed", "message", "a"), "[100,33]"},
		"no post":           {p.call("GET", "/20001_1"), "[100,33]"},
		"no field":          {p.call("GET", "/20001/feed", "fields", "id"), "none"},
		"a person's token":  {p.graph("POST", "/20001/feed", p.long(p.person)), "[210,null]"},
		"no token":          {p.send("POST", "/facebook-graph/v26.0/20001/feed", nil), "[2500,null]"},
		"comment of no one": {p.call("POST", "/20001_1/comments", "message", "a"), "[100,33]"},
		"a large photo":     {p.upload("/20001/photos", "source", append(facebookPNG(t), make([]byte, 4_000_000)...)), "[100,1366046]"},
		"no photo at all":   {p.upload("/20001/photos", "source", []byte("text")), "[100,1366046]"},
		"half a photo":      {p.upload("/20001/photos", "source", facebookPNG(t)[:20]), "[100,1366046]"},
		"another field":     {p.upload("/20001/photos", "file", facebookPNG(t)), "[324,null]"},
		"no phase":          {p.call("POST", "/20001/videos", "upload_session_id", "1"), "[100,null]"},
		"no size":           {p.call("POST", "/20001/videos", "upload_phase", "start"), "[100,null]"},
		"small":             {p.call("POST", "/20001/videos", "upload_phase", "start", "file_size", "1023"), "[6000,1363022]"},
		"large":             {p.call("POST", "/20001/videos", "upload_phase", "start", "file_size", "10737418241"), "[6000,1363023]"},
		"no session":        {p.call("POST", "/20001/videos", "upload_phase", "finish", "upload_session_id", "1"), "[100,33]"},
		"another version":   {p.send("POST", "/facebook-graph/v99.0/20001/photos", nil), "[2635,null]"},
	} {
		if c.want == "none" {
			p.good(c.r)
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := *p
			p.oauthClient = &oauthClient{bundle: &bundle{t: t, box: p.box}, platform: "facebook"}
			p.wantGraphError(c.r, c.want)
		})
	}
	if len(p.box.Published()) != 0 {
		t.Errorf("%+v", p.box.Published())
	}
	p.clock.advance(24*time.Hour + time.Second)
	p.wantGraphError(p.call("POST", "/20001/feed", "attached_media[0]", media), "[100,33]")
	for _, c := range []struct{ method, path, lacks, missing string }{
		{"POST", "/20001/feed", "pages_manage_posts", "[200,null]"}, {"GET", "/20001/feed", "pages_read_engagement", "[200,null]"},
	} {
		less := setupFacebookPage(t, "scope", strings.ReplaceAll(facebookScope, ","+c.lacks, ""))
		less.wantGraphError(less.call(c.method, c.path, "message", "a"), c.missing)
	}
}

func TestFacebookComments(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	post := p.good(p.call("POST", "/20001/feed", "message", "One")).text("id")
	p.good(p.call("POST", "/"+post+"/comments", "message", "First"))
	p.good(p.call("POST", "/"+post+"/comments", "message", "Second"))
	if got := p.call("GET", "/"+post+"/comments", "order", "reverse_chronological", "fields", "message").list("message"); got != "Second|First" {
		t.Errorf("comments %s", got)
	}
	p.wantGraphError(p.call("POST", "/"+post+"/comments", "message", ""), "[100,null]")
	p.wantGraphError(p.call("POST", "/"+post+"/comments", "message", strings.Repeat("a", 8001)), "[100,null]")
	if posts := p.box.Published(); posts[0].TimesPublished != 1 || strings.Join(posts[0].Parts, "|") != "First|Second" {
		t.Errorf("%+v", posts)
	}
	p.clock.advance(30 * time.Minute)
	insights := p.call("GET", "/"+post+"/insights", "metric", "post_media_view,post_clicks")
	if insights.list("name") != "post_media_view|post_clicks" || !strings.Contains(insights.body, `"value":60`) {
		t.Errorf("%s", insights.body)
	}
	p.wantGraphError(p.call("GET", "/"+post+"/insights", "metric", "post_impressions"), "[100,null]")
	less := setupFacebookPage(t, "scope", strings.ReplaceAll(facebookScope, ",read_insights", ""))
	post = less.good(less.call("POST", "/20001/feed", "message", "One")).text("id")
	less.wantGraphError(less.call("GET", "/"+post+"/insights", "metric", "post_clicks"), "[200,null]")
}

func TestFacebookVideo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := setupDir(t, dir).app("facebook")
	p := &facebookPage{c, c.pageTokens(c.long(c.person, "scope", facebookScope))["20001"]}
	content := append([]byte("\x00\x00\x00\x18ftypmp42"), make([]byte, 3<<19)...)
	started := p.good(p.call("POST", "/20001/videos", "upload_phase", "start", "file_size", fmt.Sprint(len(content))))
	session, video := started.text("upload_session_id"), started.text("video_id")
	if started.text("start_offset") != "0" || started.text("end_offset") != fmt.Sprint(1<<20) {
		t.Errorf("%s", started.body)
	}
	status := func() string {
		r := p.good(p.call("GET", "/"+video, "fields", "status,published,post_id"))
		return fmt.Sprint(r.json["status"].(object)["video_status"], " ", r.json["published"])
	}
	transfer := func(start int, piece []byte) reply {
		return p.upload("/20001/videos", "video_file_chunk", piece, "upload_phase", "transfer", "upload_session_id", session, "start_offset", fmt.Sprint(start))
	}
	p.wantGraphError(transfer(0, []byte("no video at all")), "[6000,1363031]")
	p.wantGraphError(p.call("POST", "/20001/videos", "upload_phase", "finish", "upload_session_id", session), "[6000,1363033]")
	p.good(transfer(0, content[:1<<20]))
	wrong := transfer(0, content[:1<<20])
	p.wantGraphError(wrong, "[6000,1363037]")
	if data := wrong.json["error"].(object)["error_data"].(object); data["start_offset"] != fmt.Sprint(1<<20) || data["end_offset"] != fmt.Sprint(len(content)) {
		t.Errorf("%s", wrong.body)
	}
	if got := status(); got != "uploading false" {
		t.Errorf("status %s", got)
	}
	// What is uploaded outlives a restart.
	again := setupDir(t, dir)
	c.bundle, p.t = again, t
	last := p.good(transfer(1<<20, content[1<<20:]))
	if last.text("start_offset") != last.text("end_offset") || status() != "upload_complete false" {
		t.Errorf("%s", last.body)
	}
	if p.good(p.call("POST", "/20001/videos", "upload_phase", "finish", "upload_session_id", session, "description", "Rolls")).json["success"] != true || status() != "processing false" {
		t.Errorf("finished: %s", status())
	}
	p.wantGraphError(p.call("POST", "/20001/videos", "upload_phase", "finish", "upload_session_id", session), "[100,33]")
	if len(p.box.Published()) != 0 {
		t.Error("published at once")
	}
	p.clock.advance(2 * time.Second)
	posts := p.box.Published()
	if len(posts) != 1 || posts[0].Text != "Rolls" || posts[0].Files[0].Bytes != len(content) || status() != "ready true" {
		t.Fatalf("%s %+v", status(), posts)
	}
	if page := p.send("GET", strings.TrimPrefix(posts[0].URL, p.base), nil); page.status != http.StatusOK || !strings.Contains(page.body, "Rolls") {
		t.Errorf("page: %d of %s", page.status, posts[0].URL)
	}
	p.good(p.call("POST", "/"+video+"/comments", "message", "First"))

	p.box.OAuthSettings("facebook", sandbox.OAuthSettings{VideoFails: true, VideoSeconds: 5})
	started = p.good(p.call("POST", "/20001/videos", "upload_phase", "start", "file_size", "2000"))
	session, video = started.text("upload_session_id"), started.text("video_id")
	p.good(transfer(0, content[:2000]))
	p.good(p.call("POST", "/20001/videos", "upload_phase", "finish", "upload_session_id", session))
	p.clock.advance(4 * time.Second)
	if got := status(); got != "processing false" {
		t.Errorf("status %s", got)
	}
	p.clock.advance(2 * time.Second)
	if got := status(); got != "error false" {
		t.Errorf("status %s", got)
	}
	started = p.good(p.call("POST", "/20001/videos", "upload_phase", "start", "file_size", "2000"))
	session = started.text("upload_session_id")
	p.clock.advance(25 * time.Hour)
	p.wantGraphError(transfer(0, content[:2000]), "[6000,1363030]")
}

func TestFacebookDuplicates(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	p.box.OAuthSettings("facebook", sandbox.OAuthSettings{RefuseDuplicates: true})
	p.good(p.call("POST", "/20001/feed", "message", "One"))
	p.wantGraphError(p.call("POST", "/20001/feed", "message", "One "), "[506,null]")
	p.good(p.call("POST", "/20001/feed", "message", "One", "link", "https://example.com"))
	post := p.good(p.call("POST", "/20001/feed", "message", "One")).text("id")
	p.good(p.call("POST", "/"+post+"/comments", "message", "First"))
	p.wantGraphError(p.call("POST", "/"+post+"/comments", "message", "First"), "[506,null]")
	p.good(p.call("POST", "/"+post+"/comments", "message", "Second"))
}

func TestFacebookRewritesTexts(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	p.box.OAuthSettings("facebook", sandbox.OAuthSettings{RewriteTexts: true})
	post := p.good(p.call("POST", "/20001/feed", "message", "One\n\n\nTwo")).text("id")
	p.good(p.call("POST", "/"+post+"/comments", "message", "Three\n\nFour"))
	if got := p.good(p.call("GET", "/"+post, "fields", "message")).text("message"); got != "One\nTwo" {
		t.Errorf("%q", got)
	}
	comments := p.good(p.call("GET", "/"+post+"/comments"))
	if got := comments.list("message"); got != "Three\nFour" {
		t.Errorf("%q", got)
	}
}

func TestFacebookPreviews(t *testing.T) {
	t.Parallel()
	p := setupFacebookPage(t)
	for text, want := range map[string]string{
		"No address. Really":                    "<nil>",
		"See example.com, please":               "link share http://example.com",
		"See https://example.com/a?b=c!":        "link share https://example.com/a?b=c!",
		"https://www.youtube.com/watch?v=abcde": "video video_share_youtube https://www.youtube.com/watch?v=abcde",
	} {
		post := p.good(p.call("POST", "/20001/feed", "message", text)).text("id")
		got := "<nil>"
		if attachments, ok := p.good(p.call("GET", "/"+post, "fields", "attachments")).json["attachments"].(map[string]any); ok {
			one := attachments["data"].([]any)[0].(map[string]any)
			got = fmt.Sprint(one["media_type"], " ", one["type"], " ", one["unshimmed_url"])
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
