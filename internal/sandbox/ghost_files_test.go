package sandbox_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// uploadFile sends a file as Ghost wants it. Without a name there is no file.
func (b *bundle) uploadFile(path, name, contentType, content string, fields ...string) reply {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		_ = form.WriteField(fields[i], fields[i+1])
	}
	if name != "" {
		part, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {contentType},
		})
		if err != nil {
			b.t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
	}
	_ = form.Close()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+"/ghost-sites/news/ghost/api/admin/"+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Ghost "+b.sign(token{}))
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return decoded(resp, answer)
}

func TestGhostFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	image := b.uploadFile("images/upload/", "Loaf.PNG", "image/png", "\x89PNG\r\n\x1a\nrest", "purpose", "image", "ref", "my/loaf.png")
	video := b.uploadFile("media/upload/", "oven.mp4", "video/mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isomrest")
	if image.status != 201 || video.status != 201 {
		t.Fatalf("%d %s, %d %s", image.status, image.body, video.status, video.body)
	}
	first := image.json["images"].([]any)[0].(object)
	second := video.json["media"].([]any)[0].(object)
	if first["ref"] != "my/loaf.png" || second["ref"] != nil {
		t.Errorf("%v %v", first, second)
	}
	if shown := b.request("GET", strings.TrimPrefix(first["url"].(string), b.base), "", nil); shown.status != 200 || shown.header.Get("Content-Type") != "image/png" {
		t.Errorf("%d %v", shown.status, shown.header)
	}
	for _, c := range []struct {
		path, name, contentType string
		status                  int
		kind                    string
	}{
		{"images/upload/", "", "", 422, "ValidationError"},
		{"images/upload/", "a.mp4", "video/mp4", 415, "UnsupportedMediaTypeError"},
		{"images/upload/", "a.txt", "image/png", 415, "UnsupportedMediaTypeError"},
		{"media/upload/", "a.mov", "video/quicktime", 415, "UnsupportedMediaTypeError"},
		{"media/upload/", "", "", 422, "ValidationError"},
	} {
		b.wantFault(b.uploadFile(c.path, c.name, c.contentType, "x"), c.status, c.kind, "")
	}
	b.wantFault(b.uploadFile("images/upload/", "a.png", "image/png", "x", "purpose", "wallpaper"), 422, "ValidationError", "")
	b.wantFault(b.admin("POST", "images/upload/", object{}), 422, "ValidationError", "")

	// A post shows them: the image above it, the video in an HTML card, since elsewhere Ghost drops it.
	source := second["url"].(string)
	made := b.draft(object{
		"title": "With files", "feature_image": first["url"], "feature_image_alt": "A loaf",
		"html": `<video src="` + source + `"></video><!--kg-card-begin: html--><figure><video src="` + source + `" title="The oven" controls></video></figure><!--kg-card-end: html-->`,
	})
	if r := b.put(made["id"], "", object{"status": "published"}); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	published := b.box.Published()[0]
	if len(published.Files) != 2 || published.Files[0].AltText != "A loaf" || published.Files[1].ContentType != "video/mp4" || published.Files[1].AltText != "The oven" {
		t.Errorf("files %+v", published.Files)
	}
	if n := strings.Count(published.HTML, "<video"); n != 1 {
		t.Errorf("%d videos in %s", n, published.HTML)
	}
	page := b.request("GET", "/ghost-sites/news/with-files/", "", nil)
	if !strings.Contains(page.body, `alt="A loaf"`) || !strings.Contains(page.body, "<video src=") {
		t.Errorf("page %s", page.body)
	}
}

func TestGhostTags(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.draft(object{"title": "Tagged", "tags": []any{object{"name": "Bread"}, object{"name": "Bread"}, object{"name": "#fanfare"}}, "custom_excerpt": "Short."})
	tags, _ := made["tags"].([]any)
	if len(tags) != 2 || tags[0].(object)["slug"] != "bread" || made["custom_excerpt"] != "Short." {
		t.Errorf("%v", made)
	}
	left := b.put(made["id"], "", object{"title": "Still tagged"}).post(t)
	if tags, _ := left["tags"].([]any); len(tags) != 2 || left["custom_excerpt"] != "Short." {
		t.Errorf("%v", left)
	}
	gone := b.put(made["id"], "", object{"tags": []any{}, "custom_excerpt": nil, "feature_image": nil}).post(t)
	if tags, _ := gone["tags"].([]any); len(tags) != 0 || gone["custom_excerpt"] != nil {
		t.Errorf("%v", gone)
	}
	for name, post := range map[string]object{
		"long tag": {"title": "a", "tags": []any{object{"name": strings.Repeat("é", 192)}}}, "comma": {"title": "a", "tags": []any{object{"name": ",a"}}},
		"no name": {"title": "a", "tags": []any{object{}}}, "long alt": {"title": "a", "feature_image_alt": strings.Repeat("é", 126)},
	} {
		if r := b.admin("POST", "posts/", posts(post)); r.status != 422 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

func TestGhostNewsletters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.admin("GET", "newsletters/", nil)
	if list, _ := r.json["newsletters"].([]any); r.status != 200 || len(list) != 1 || list[0].(object)["slug"] != "default-newsletter" {
		t.Errorf("%d %s", r.status, r.body)
	}
	id := b.draft(object{"title": "A letter"})["id"]
	b.wantFault(b.put(id, "?newsletter=default-newsletter&email_segment=x", object{"status": "published"}), 400, "BadRequestError", "")
	sent := b.put(id, "?newsletter=default-newsletter&email_segment=status:free", object{"status": "published"}).post(t)
	if email, _ := sent["email"].(object); email["status"] != "pending" || email["opened_count"] != 0.0 || sent["email_segment"] != "status:free" {
		t.Errorf("%v", sent)
	}
	read := b.admin("GET", "posts/"+id.(string)+"/?include=email,count.clicks", nil).post(t)
	email, _ := read["email"].(object)
	count, _ := read["count"].(object)
	if email["status"] != "submitted" || email["delivered_count"] != 39.0 || email["opened_count"] != 20.0 || count["clicks"] != 5.0 {
		t.Errorf("%v %v", email, count)
	}
	// Publishing it a second time sends it to nobody.
	b.put(id, "", object{"status": "draft"})
	if again := b.put(id, "?newsletter=default-newsletter", object{"status": "published"}); again.status != 200 || again.post(t)["email"].(object)["status"] != "submitted" {
		t.Errorf("%d %s", again.status, again.body)
	}
}
