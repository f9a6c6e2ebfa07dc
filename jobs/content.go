package jobs

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
)

// file is a file of a post as the view platform_post_files shows it.
type file struct {
	ID          uuid.UUID `json:"id"`
	Path        string    `json:"path"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Bytes       int64     `json:"bytes"`
	Width       int       `json:"width"`
	Height      int       `json:"height"`
	DurationMS  int64     `json:"duration_ms"`
	Animated    bool      `json:"animated"`
	AltText     string    `json:"alt_text"`
}

// Content makes what a platform post says of how it is stored: options of the column platform_posts.options, files as the view
// platform_post_files shows them. The paths are where in the bucket the files are, in the order of the post's Media.
func Content(id uuid.UUID, title, text string, options, files json.RawMessage) (post platform.Post, paths []string, err error) {
	post = platform.Post{ID: id, Title: title, Text: text}
	if err := json.Unmarshal(options, &post.Options); err != nil {
		return platform.Post{}, nil, fmt.Errorf("read options: %w", err)
	}
	var stored []file
	if err := json.Unmarshal(files, &stored); err != nil {
		return platform.Post{}, nil, fmt.Errorf("read files: %w", err)
	}
	for _, f := range stored {
		post.Media = append(post.Media, platform.Media{
			ID: f.ID, Name: f.Name, ContentType: f.ContentType, Bytes: f.Bytes, Width: f.Width, Height: f.Height,
			Duration: time.Duration(f.DurationMS) * time.Millisecond, Animated: f.Animated, AltText: f.AltText,
		})
		paths = append(paths, f.Path)
	}
	return post, paths, nil
}
