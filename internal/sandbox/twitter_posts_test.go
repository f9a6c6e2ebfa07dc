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
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// tweeter is somebody with a token of X.
type tweeter struct {
	*bundle
	token string
}

func (b *bundle) tweeter(scopes ...string) *tweeter {
	b.t.Helper()
	c := b.app("twitter")
	if len(scopes) > 0 {
		c.scope = strings.Join(scopes, " ")
	} else {
		c.scope = "tweet.read tweet.write users.read media.write offline.access"
	}
	return &tweeter{bundle: b, token: c.connect(c.person).text("access_token")}
}

// ask sends a request with the token. body is JSON, or a form where contentType is given.
func (w *tweeter) ask(method, path, contentType string, body any) (status int, header http.Header, answer map[string]any) {
	w.t.Helper()
	var reader io.Reader
	switch given := body.(type) {
	case nil:
	case []byte:
		reader = bytes.NewReader(given)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		reader, contentType = bytes.NewReader(encoded), "application/json"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+"/twitter-api/2/"+path, reader)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatalf("%s %s: %s %v", method, path, resp.Status, err)
	}
	return resp.StatusCode, resp.Header, answer
}

// want sends a request and checks its status and what stands in its answer.
func (w *tweeter) want(status int, says, method, path string, body any) map[string]any {
	w.t.Helper()
	got, _, answer := w.ask(method, path, "", body)
	if text := fmt.Sprint(answer); got != status || !strings.Contains(text, says) {
		w.t.Errorf("%s %s %v: %d %s; want %d %s", method, path, body, got, text, status, says)
	}
	return answer
}

// id is data.id of an answer.
func id(answer map[string]any) string {
	data, _ := answer["data"].(map[string]any)
	text, _ := data["id"].(string)
	return text
}

// form is a form with a field and a file.
func form(t *testing.T, field, value string, content []byte) (contentType string, body []byte) {
	t.Helper()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	err := writer.WriteField(field, value)
	if err == nil && content != nil {
		var part io.Writer
		if part, err = writer.CreateFormFile("media", "a"); err == nil {
			_, err = part.Write(content)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	return writer.FormDataContentType(), form.Bytes()
}

func square(t *testing.T, side int) []byte {
	t.Helper()
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func TestTwitterPosts(t *testing.T) {
	t.Parallel()
	w := setup(t).tweeter()
	first := id(w.want(201, "", "POST", "tweets", object{"text": "A & B <c> https://example.org/x and example.com."}))
	w.want(403, "duplicate content", "POST", "tweets", object{"text": " A & B <c> https://example.org/x and example.com. "})
	w.want(403, "too long", "POST", "tweets", object{"text": strings.Repeat("a", 281)})
	w.want(201, "", "POST", "tweets", object{"text": strings.Repeat("a", 256) + " https://example.org/" + strings.Repeat("b", 300)})
	w.want(403, "too long", "POST", "tweets", object{"text": strings.Repeat("早", 141)})
	w.want(201, "", "POST", "tweets", object{"text": strings.Repeat("👨‍👩‍👧‍👦", 140)})
	w.want(400, "text or media", "POST", "tweets", object{"text": " "})
	w.want(400, "invalid characters", "POST", "tweets", object{"text": "a\ufeffb"})
	w.want(400, "fields that are known", "POST", "tweets", object{"text": "a", "txet": "b"})
	w.want(403, "deleted or not visible", "POST", "tweets", object{"text": "a", "reply": object{"in_reply_to_tweet_id": "1"}})
	w.want(400, "Your media IDs are invalid", "POST", "tweets", object{"text": "a", "media": object{"media_ids": []string{"1"}}})
	reply := id(w.want(201, "", "POST", "tweets", object{"text": "More", "reply": object{"in_reply_to_tweet_id": first}, "made_with_ai": true}))

	list := w.want(200, reply, "GET", "users/2244994945/tweets?max_results=100&tweet.fields=created_at,entities,referenced_tweets", nil)
	posts, _ := list["data"].([]any)
	if len(posts) != 4 {
		t.Fatalf("%v", list)
	}
	oldest := fmt.Sprint(posts[3])
	for _, part := range []string{"text:A &amp; B &lt;c&gt; https://t.co/", "expanded_url:https://example.org/x", "expanded_url:http://example.com", "start:20"} {
		if !strings.Contains(oldest, part) {
			t.Errorf("%s lacks %s", oldest, part)
		}
	}
	for i := range 2 {
		w.want(201, "", "POST", "tweets", object{"text": fmt.Sprint(i)})
	}
	first5 := w.want(200, "result_count:5", "GET", "users/2244994945/tweets?max_results=5", nil)
	meta, _ := first5["meta"].(map[string]any)
	w.want(200, "result_count:1", "GET", fmt.Sprintf("users/2244994945/tweets?max_results=5&pagination_token=%v", meta["next_token"]), nil)
	w.want(400, "max_results", "GET", "users/2244994945/tweets?max_results=4", nil)
	w.want(400, "start_time", "GET", "users/2244994945/tweets?start_time=today", nil)
	w.want(400, "tweet.fields", "GET", "users/2244994945/tweets?tweet.fields=a", nil)
	w.want(400, "not one of", "GET", "users/2244994945/tweets?limit=1", nil)
	w.want(200, "Not Found Error", "GET", "users/1/tweets", nil)
	w.want(200, "reply_count:1", "GET", "tweets?tweet.fields=public_metrics&ids="+first, nil)
	w.want(200, "resource-not-found", "GET", "tweets?ids=1", nil)
	w.want(400, "ids", "GET", "tweets", nil)

	if seen := w.box.Published(); len(seen) != 5 || len(seen[4].Parts) != 1 || seen[4].Parts[0] != "More" || len(w.box.Doubles()) != 0 {
		t.Errorf("%+v", seen)
	}
	// A day later the same text may be posted again, which is a double.
	w.clock.advance(25 * time.Hour)
	w.token = w.bundle.tweeter().token
	w.want(201, "", "POST", "tweets", object{"text": "More", "reply": object{"in_reply_to_tweet_id": first}})
	if doubles := w.box.Doubles(); len(doubles) != 1 || doubles[0].Text != "More" {
		t.Errorf("%+v", doubles)
	}
	w.token = "xa0"
	w.want(401, "Unauthorized", "POST", "tweets", object{"text": "b"})
	w.token = w.bundle.tweeter("tweet.read", "users.read").token
	w.want(403, "Forbidden", "POST", "tweets", object{"text": "b"})
	w.want(403, "Forbidden", "POST", "media/metadata", object{})
}

func TestTwitterPostLimits(t *testing.T) {
	t.Parallel()
	w := setup(t).tweeter()
	for i := range 100 {
		status, header, _ := w.ask("POST", "tweets", "", object{"text": fmt.Sprint("a", i)})
		if status != 201 || header.Get("x-rate-limit-remaining") != fmt.Sprint(99-i) || header.Get("x-app-limit-24hour-remaining") != fmt.Sprint(9999-i) {
			t.Fatalf("%d %v", status, header)
		}
	}
	w.want(429, "Too Many Requests", "POST", "tweets", object{"text": "b"})
	w.want(200, "", "GET", "users/2244994945/tweets", nil)
	w.clock.advance(15 * time.Minute)
	w.want(201, "", "POST", "tweets", object{"text": "b"})
	w.box.OAuthSettings("twitter", sandbox.OAuthSettings{AppPosts: 101})
	status, header, _ := w.ask("POST", "tweets", "", object{"text": "c"})
	if status != 429 || header.Get("x-app-limit-24hour-remaining") != "0" || header.Get("x-rate-limit-remaining") == "0" {
		t.Errorf("%d %v", status, header)
	}
}

func TestTwitterMedia(t *testing.T) {
	t.Parallel()
	w := setup(t).tweeter()
	upload := func(status int, says, field, value string, content []byte, path string) string {
		t.Helper()
		kind, body := form(t, field, value, content)
		got, _, answer := w.ask("POST", path, kind, body)
		if text := fmt.Sprint(answer); got != status || !strings.Contains(text, says) {
			t.Errorf("%s: %d %s; want %d %s", path, got, text, status, says)
		}
		return id(answer)
	}
	picture := upload(200, "expires_after_secs:86400", "media_category", "tweet_image", square(t, 4), "media/upload")
	upload(400, "4x4", "media_category", "tweet_image", square(t, 3), "media/upload")
	upload(400, "unrecognized", "media_category", "tweet_image", []byte("text"), "media/upload")
	upload(400, "media_category", "media_category", "tweet_video", square(t, 4), "media/upload")
	upload(400, "must be <= 5242880", "media_category", "tweet_image", make([]byte, 5<<20+1), "media/upload")
	upload(413, "", "media_category", "tweet_image", make([]byte, 7<<20), "media/upload")
	upload(400, "is missing", "media_category", "tweet_image", nil, "media/upload")

	w.want(200, "alt_text", "POST", "media/metadata", object{"id": picture, "metadata": object{"alt_text": object{"text": "A square"}}})
	w.want(400, "1000 characters", "POST", "media/metadata", object{"id": picture, "metadata": object{"alt_text": object{"text": strings.Repeat("a", 1001)}}})
	w.want(404, "", "POST", "media/metadata", object{"id": "1", "metadata": object{"alt_text": object{"text": "a"}}})

	start := func(kind, category string, size int) string {
		t.Helper()
		return id(w.want(200, "media_key", "POST", "media/upload/initialize", object{"media_type": kind, "media_category": category, "total_bytes": size}))
	}
	w.want(400, "total_bytes", "POST", "media/upload/initialize", object{"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": 512<<20 + 1})
	w.want(400, "total_bytes", "POST", "media/upload/initialize", object{"media_type": "image/gif", "media_category": "tweet_gif", "total_bytes": 15<<20 + 1})
	w.want(400, "media_type", "POST", "media/upload/initialize", object{"media_type": "video/x-msvideo", "media_category": "tweet_video", "total_bytes": 1})
	film := make([]byte, 100)
	copy(film[4:], "ftyp")
	clip := start("video/mp4", "tweet_video", 100)
	upload(200, "expires_at", "segment_index", "1", film[60:], "media/upload/"+clip+"/append")
	w.want(400, "add up", "POST", "media/upload/"+clip+"/finalize", nil)
	upload(400, "segment_index", "segment_index", "1000", film[:60], "media/upload/"+clip+"/append")
	upload(200, "expires_at", "segment_index", "0", film[:60], "media/upload/"+clip+"/append")
	w.want(400, "not finalized", "GET", "media/upload?command=STATUS&media_id="+clip, nil)
	w.want(200, "state:pending", "POST", "media/upload/"+clip+"/finalize", nil)
	show := object{"text": "a", "media": object{"media_ids": []string{clip}}}
	w.want(400, "invalid", "POST", "tweets", show)
	w.want(200, "state:in_progress", "GET", "media/upload?command=STATUS&media_id="+clip, nil)
	w.want(200, "state:succeeded", "GET", "media/upload?command=STATUS&media_id="+clip, nil)
	w.want(400, "media.media_ids", "POST", "tweets", object{"text": "a", "media": object{"media_ids": []string{clip, picture}}})
	w.want(201, "", "POST", "tweets", show)

	long := make([]byte, 100)
	copy(long[4:], "ftyp")
	copy(long[20:], "mvhd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x8d") // 141 seconds
	for _, content := range [][]byte{long, make([]byte, 100)} {
		bad := start("video/mp4", "tweet_video", 100)
		upload(200, "", "segment_index", "0", content, "media/upload/"+bad+"/append")
		w.want(200, "pending", "POST", "media/upload/"+bad+"/finalize", nil)
		w.want(200, "in_progress", "GET", "media/upload?command=STATUS&media_id="+bad, nil)
		w.want(200, "failed", "GET", "media/upload?command=STATUS&media_id="+bad, nil)
	}
	seen := w.box.Published()
	if len(seen) != 1 || len(seen[0].Files) != 1 || seen[0].Files[0].ContentType != "video/mp4" || seen[0].Files[0].Bytes != 100 {
		t.Errorf("%+v", seen)
	}
	// It can be shown for a day.
	w.clock.advance(24 * time.Hour)
	w.token = w.bundle.tweeter().token
	w.want(400, "invalid", "POST", "tweets", object{"text": "b", "media": object{"media_ids": []string{picture}}})
	w.want(404, "", "GET", "media/upload?command=STATUS&media_id="+clip, nil)
}
