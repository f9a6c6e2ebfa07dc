package cmd

import (
	"fmt"
	"regexp"

	"fanfare/internal/images"
)

// imagesConfig says as which application Unsplash is asked for photos.
type imagesConfig struct {
	UnsplashAccessKey string `env:"FANFARE_UNSPLASH_ACCESS_KEY" help:"Access key of your application at Unsplash; without one nobody can search for images."`
	UnsplashApp       string `env:"FANFARE_UNSPLASH_APP" default:"${unsplash_app=fanfare}" help:"Name of your application at Unsplash, which the links of credits carry."`
	UnsplashURL       string `name:"unsplash-url" env:"FANFARE_UNSPLASH_URL" help:"Where Unsplash has its API, for a sandbox."`
}

var unsplashAppPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// unsplash makes the client, nil where no key is set. It checks what is set besides all the same.
func (c *imagesConfig) unsplash() (*images.Unsplash, error) {
	if c.UnsplashURL != "" {
		checked, err := safeURL("unsplash-url", c.UnsplashURL)
		if err != nil {
			return nil, err
		}
		c.UnsplashURL = checked
	}
	if c.UnsplashApp != "" && !unsplashAppPattern.MatchString(c.UnsplashApp) {
		return nil, fmt.Errorf("%s must be a name of letters, digits and _.-, as it stands in links", named("unsplash-app"))
	}
	if c.UnsplashAccessKey == "" {
		return nil, nil //nolint:nilnil // no search for images is a way to run
	}
	client, err := images.NewUnsplash(images.Config{AccessKey: c.UnsplashAccessKey, URL: c.UnsplashURL, App: c.UnsplashApp})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named("unsplash-access-key"), err)
	}
	return client, nil
}
