package platform_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fanfare/internal/platform"
)

func TestFacebookCheck(t *testing.T) {
	t.Parallel()
	image := func(kind string, bytes int64) platform.Media {
		return platform.Media{Name: "roll", ContentType: kind, Bytes: bytes}
	}
	clip := func(bytes int64, long time.Duration) platform.Media {
		return platform.Media{Name: "roll.mp4", ContentType: "video/mp4", Bytes: bytes, Duration: long}
	}
	many := func(count int, m platform.Media) []platform.Media {
		var media []platform.Media
		for range count {
			media = append(media, m)
		}
		return media
	}
	small := image("image/jpeg", 4_000_000)
	for name, c := range map[string]struct {
		post platform.Post
		want string // field rule limit/actual
	}{
		"text":                   {platform.Post{Text: "a"}, ""},
		"the longest text":       {platform.Post{Text: strings.Repeat("ü", 63206) + "\n"}, ""},
		"too long a text":        {platform.Post{Text: strings.Repeat("ü", 63207)}, "text too_long 63206/63207"},
		"nothing":                {platform.Post{Text: " \n", Title: "Title"}, "text required 0/0"},
		"a link alone":           {platform.Post{Options: platform.Options{Link: "https://example.com"}}, ""},
		"no link":                {platform.Post{Options: platform.Options{Link: "example.com/a"}}, "options.link invalid 0/0"},
		"no web link":            {platform.Post{Options: platform.Options{Link: "javascript:alert(1)"}}, "options.link invalid 0/0"},
		"an image alone":         {platform.Post{Media: many(1, small)}, ""},
		"ten images":             {platform.Post{Media: many(10, small)}, ""},
		"eleven images":          {platform.Post{Media: many(11, small)}, "media too_many 10/11"},
		"a large image":          {platform.Post{Media: []platform.Media{small, image("image/png", 4_000_001)}}, "media[1] too_large 4000000/4000001"},
		"types":                  {platform.Post{Media: []platform.Media{image("image/png", 1), image("image/gif", 1), image("image/webp", 1)}}, ""},
		"another type":           {platform.Post{Media: many(1, image("image/svg+xml", 1))}, "media[0] unsupported 0/0"},
		"a link and an image":    {platform.Post{Media: many(1, small), Options: platform.Options{Link: "https://example.com"}}, "options.link mixed 0/0"},
		"a video":                {platform.Post{Media: many(1, clip(10<<30, 4*time.Hour))}, ""},
		"two videos":             {platform.Post{Media: many(2, clip(1<<20, time.Minute))}, "media too_many 1/2"},
		"a video and an image":   {platform.Post{Media: []platform.Media{clip(1<<20, 0), small}}, "media mixed 0/0"},
		"an image and a video":   {platform.Post{Media: []platform.Media{small, clip(1<<20, 0)}}, "media mixed 0/0"},
		"a large video":          {platform.Post{Media: many(1, clip(10<<30+1, time.Minute))}, "media[0] too_large 10737418240/10737418241"},
		"a small video":          {platform.Post{Media: many(1, clip(1023, time.Minute))}, "media[0] too_small 1024/1023"},
		"a long video":           {platform.Post{Media: many(1, clip(1<<20, 4*time.Hour+time.Minute))}, "media[0] too_long 14400/14460"},
		"another type of video":  {platform.Post{Media: many(1, platform.Media{ContentType: "video/ogg", Bytes: 1 << 20})}, "media[0] unsupported 0/0"},
		"the longest comment":    {platform.Post{Text: "a", Options: platform.Options{FirstComment: strings.Repeat("ü", 8000)}}, ""},
		"too long a comment":     {platform.Post{Text: "a", Options: platform.Options{FirstComment: strings.Repeat("ü", 8001)}}, "options.first_comment too_long 8000/8001"},
		"an empty comment":       {platform.Post{Text: "a", Options: platform.Options{FirstComment: " "}}, "options.first_comment invalid 0/0"},
		"an option of others":    {platform.Post{Text: "a", Options: platform.Options{LinkTitle: "a"}}, "options.link_title unsupported 0/0"},
		"everything at one time": {platform.Post{Media: many(1, image("image/svg+xml", 1)), Options: platform.Options{Link: "a", FirstComment: " "}}, "options.link invalid 0/0, options.link mixed 0/0, options.first_comment invalid 0/0, media[0] unsupported 0/0"},
	} {
		var got []string
		for _, v := range platform.Check(platform.Facebook, c.post).Violations {
			got = append(got, strings.Join([]string{v.Field, v.Rule, fmt.Sprintf("%d/%d", v.Limit, v.Actual)}, " "))
			if !strings.HasSuffix(v.Message, ".") {
				t.Errorf("%s: not a message for people: %q", name, v.Message)
			}
		}
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%s: %s, want %s", name, all, c.want)
		}
	}
}
