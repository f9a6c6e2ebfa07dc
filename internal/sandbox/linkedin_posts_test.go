package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

// rest sends a request to LinkedIn's API. header is pairs of names and values that replace the right ones; "" takes one away.
func (c *oauthClient) rest(method, path, token string, body any, header ...string) reply {
	c.t.Helper()
	var reader *strings.Reader
	switch body := body.(type) {
	case string:
		reader = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = strings.NewReader(string(encoded))
	}
	address := path
	if !strings.HasPrefix(path, "http") {
		address = c.base + "/linkedin-api/rest" + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "Linkedin-Version": {c.clock.now().UTC().Format("200601")},
		"X-Restli-Protocol-Version": {"2.0.0"}, "Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	result := reply{status: resp.StatusCode, header: resp.Header}
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		c.t.Fatal(err)
	}
	_, result.body, _ = strings.Cut(text.String(), "\r\n\r\n")
	_ = json.Unmarshal([]byte(result.body), &result.json)
	return result
}

// share is a post as LinkedIn wants it, with changes.
func share(changes object) object {
	post := object{
		"author": "urn:li:person:ada-lindqvist", "commentary": "Hello", "visibility": "PUBLIC", "lifecycleState": "PUBLISHED",
		"distribution": object{"feedDistribution": "MAIN_FEED", "targetEntities": []any{}, "thirdPartyDistributionChannels": []any{}},
	}
	for name, value := range changes {
		post[name] = value
		if value == nil {
			delete(post, name)
		}
	}
	return post
}

// TestLinkedInPostRefusals: what LinkedIn rejects is rejected, and nothing is published.
func TestLinkedInPostRefusals(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	token := c.connect(c.person).text("access_token")
	images := func(n int) object {
		list := make([]object, n)
		for i := range list {
			list[i] = object{"id": "urn:li:image:x"}
		}
		return object{"multiImage": object{"images": list}}
	}
	for name, r := range map[string]struct {
		body   any
		header []string
		status int
		code   string
	}{
		"no version":         {share(nil), []string{"Linkedin-Version", ""}, 400, "VERSION_MISSING"},
		"an old version":     {share(nil), []string{"Linkedin-Version", "202001"}, 426, "NONEXISTENT_VERSION"},
		"a future version":   {share(nil), []string{"Linkedin-Version", "209901"}, 426, "NONEXISTENT_VERSION"},
		"no protocol":        {share(nil), []string{"X-Restli-Protocol-Version", ""}, 400, "ILLEGAL_ARGUMENT"},
		"no token":           {share(nil), []string{"Authorization", ""}, 401, "EMPTY_ACCESS_TOKEN"},
		"a form":             {share(nil), []string{"Content-Type", "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no JSON":            {"{", nil, 422, "UNPROCESSABLE_ENTITY"},
		"an unknown field":   {share(object{"title": "x"}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"no commentary":      {share(object{"commentary": nil}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"a draft":            {share(object{"lifecycleState": "DRAFT"}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"no distribution":    {share(object{"distribution": nil}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"visible to nobody":  {share(object{"visibility": "NOBODY"}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"somebody else":      {share(object{"author": "urn:li:person:ben-okafor"}), nil, 403, "ACCESS_DENIED"},
		"not their page":     {share(object{"author": "urn:li:organization:9"}), nil, 403, "ACCESS_DENIED"},
		"connections":        {share(object{"author": "urn:li:organization:1001", "visibility": "CONNECTIONS"}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"nothing":            {share(object{"commentary": ""}), nil, 400, "MISSING_FIELD"},
		"one of many":        {share(object{"content": images(1)}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"too many":           {share(object{"content": images(21)}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"an unknown image":   {share(object{"content": images(2)}), nil, 400, "INVALID_CONTENT_OWNERSHIP"},
		"a link, no title":   {share(object{"content": object{"article": object{"source": "https://example.com"}}}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"two contents":       {share(object{"content": object{"article": object{}, "media": object{"id": "x"}}}), nil, 422, "UNPROCESSABLE_ENTITY"},
		"too long":           {share(object{"commentary": strings.Repeat("😀", 1501)}), nil, 400, "FIELD_ARRAY_SIZE_TOO_HIGH"},
		"an open bracket":    {share(object{"commentary": "a (b"}), nil, 400, "INVALID_LITTLE_TEXT"},
		"an at":              {share(object{"commentary": "a@b"}), nil, 400, "INVALID_LITTLE_TEXT"},
		"a backslash":        {share(object{"commentary": `a\b`}), nil, 400, "INVALID_LITTLE_TEXT"},
		"a backslash at end": {share(object{"commentary": `a\`}), nil, 400, "INVALID_LITTLE_TEXT"},
	} {
		answer := c.rest("POST", "/posts", token, r.body, r.header...)
		code := answer.text("code")
		if details, there := answer.json["errorDetails"].(object); there {
			code = details["inputErrors"].([]any)[0].(object)["code"].(string)
		}
		if answer.status != r.status || code != r.code || answer.number("status") != r.status || answer.text("message") == "" {
			t.Errorf("%s: %d %s, want %d %s", name, answer.status, answer.body, r.status, r.code)
		}
	}
	if posts := c.box.Published(); len(posts) != 0 {
		t.Errorf("published: %+v", posts)
	}
}

// TestLinkedInLimits: duplicates, the day's quota with its end, and comments.
func TestLinkedInLimits(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	token := c.connect(c.person).text("access_token")
	c.box.SetLinkedIn(sandbox.LinkedInSettings{PostsPerDay: 2})
	first := c.rest("POST", "/posts", token, share(object{"commentary": `Hello @[Ben](urn:li:person:ben-okafor) {hashtag|\#|bread} #cake \#1 \(x\)`}))
	urn := first.header.Get("X-Restli-Id")
	if first.status != 201 || c.box.Published()[0].Text != "Hello @Ben #bread #cake #1 (x)" || c.box.Published()[0].ID != urn {
		t.Fatalf("%d %s %+v", first.status, first.body, c.box.Published())
	}
	again := c.rest("POST", "/posts", token, share(object{"commentary": `Hello @[Ben](urn:li:person:ben-okafor) #bread #cake \#1 \(x\)`}))
	if again.status != 422 || !strings.Contains(again.body, "DUPLICATE_POST") || !strings.Contains(again.text("message"), urn) {
		t.Errorf("%d %s", again.status, again.body)
	}
	if r := c.rest("POST", "/posts", token, share(nil)); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.rest("POST", "/posts", token, share(object{"commentary": "One more"})); r.status != 429 || r.number("serviceErrorCode") != 101 || r.header.Get("Retry-After") != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	path := "/socialActions/" + strings.ReplaceAll(urn, ":", "%3A") + "/comments"
	say := func(actor, text string) object {
		return object{"actor": actor, "object": urn, "message": object{"text": text}}
	}
	for _, r := range []struct {
		path   string
		body   object
		status int
	}{
		{path, say("urn:li:person:ben-okafor", "x"), 403}, {path, say("urn:li:person:ada-lindqvist", ""), 400},
		{path, say("urn:li:person:ada-lindqvist", strings.Repeat("x", 1251)), 400}, {"/socialActions/" + urn + "/comments", say("urn:li:person:ada-lindqvist", "x"), 400},
		{"/socialActions/urn%3Ali%3Ashare%3A1/comments", say("urn:li:person:ada-lindqvist", "x"), 404}, {path, say("urn:li:person:ada-lindqvist", "(first)"), 201},
	} {
		if answer := c.rest("POST", r.path, token, r.body); answer.status != r.status {
			t.Errorf("%s %v: %d %s", r.path, r.body, answer.status, answer.body)
		}
	}
	if parts := c.box.Published()[1].Parts; len(parts) != 1 || parts[0] != "(first)" {
		t.Errorf("%v", parts)
	}
}

// TestLinkedInUploadRefusals: an address is good for its part, its person and its time, and a video is shown when it is whole.
func TestLinkedInUploadRefusals(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	token, other := c.connect(c.person).text("access_token"), c.connect(c.other).text("access_token")
	c.box.SetLinkedIn(sandbox.LinkedInSettings{PartBytes: 64 << 10, UploadSeconds: 60})
	begin := func(kind string, request object) object {
		r := c.rest("POST", "/"+kind+"?action=initializeUpload", token, object{"initializeUploadRequest": request})
		value, there := r.json["value"].(object)
		if !there {
			t.Fatalf("%d %s", r.status, r.body)
		}
		return value
	}
	owner := "urn:li:person:ada-lindqvist"
	picture := begin("images", object{"owner": owner})
	address, id := picture["uploadUrl"].(string), picture["image"].(string)
	unfinished := share(object{"content": object{"media": object{"id": id}}})
	if r := c.rest("POST", "/posts", token, unfinished); r.status != 400 || !strings.Contains(r.body, "MEDIA_ASSET_WAITING_UPLOAD") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for what, r := range map[string]reply{
		"no token": c.rest("PUT", address, "", "x", "Authorization", ""), "somebody else": c.rest("PUT", address, other, "x"),
		"a guessed address": c.rest("PUT", address+"0", token, "x"),
	} {
		if r.status != 401 && r.status != 403 {
			t.Errorf("%s: %d %s", what, r.status, r.body)
		}
	}
	if r := c.rest("PUT", address, token, "no picture"); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.rest("GET", "/images/"+strings.ReplaceAll(id, ":", "%3A"), token, ""); r.text("status") != "PROCESSING_FAILED" {
		t.Errorf("%d %s", r.status, r.body)
	}

	if r := c.rest("POST", "/videos?action=initializeUpload", token, object{"initializeUploadRequest": object{"owner": owner, "fileSizeBytes": 1000}}); r.status != 400 {
		t.Errorf("a small one: %d %s", r.status, r.body)
	}
	video := begin("videos", object{"owner": owner, "fileSizeBytes": 100_000})
	parts := video["uploadInstructions"].([]any)
	if len(parts) != 2 || video["uploadToken"] == "" {
		t.Fatalf("%v", video)
	}
	content := "\x00\x00\x00\x18ftypmp42" + strings.Repeat("x", 100_000-12)
	var etags []string
	for _, part := range parts {
		p := part.(object)
		first, last := int(p["firstByte"].(float64)), int(p["lastByte"].(float64))
		if r := c.rest("PUT", p["uploadUrl"].(string), "", content[first:last]); r.status != 400 {
			t.Errorf("a short part: %d %s", r.status, r.body)
		}
		r := c.rest("PUT", p["uploadUrl"].(string), "", content[first:last+1], "Authorization", "")
		if r.status != 200 || r.header.Get("ETag") == "" {
			t.Errorf("%d %s", r.status, r.body)
		}
		etags = append(etags, r.header.Get("ETag"))
	}
	finalize := func(etags []string, token2 any) reply {
		return c.rest("POST", "/videos?action=finalizeUpload", token, object{"finalizeUploadRequest": object{
			"video": video["video"], "uploadToken": token2, "uploadedPartIds": etags}})
	}
	for _, r := range []reply{finalize(etags[:1], video["uploadToken"]), finalize([]string{etags[1], etags[0]}, video["uploadToken"]), finalize(etags, "")} {
		if r.status != 400 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if r := finalize(etags, video["uploadToken"]); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := finalize(etags, video["uploadToken"]); r.status != 400 {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	for _, want := range []string{"PROCESSING", "AVAILABLE", "AVAILABLE"} {
		if r := c.rest("GET", "/videos/"+strings.ReplaceAll(video["video"].(string), ":", "%3A"), token, ""); r.text("status") != want {
			t.Errorf("%d %s, want %s", r.status, r.body, want)
		}
	}
	late := begin("images", object{"owner": owner})
	c.clock.advance(61e9)
	if r := c.rest("PUT", late["uploadUrl"].(string), token, "x"); r.status != 403 {
		t.Errorf("late: %d %s", r.status, r.body)
	}
}
