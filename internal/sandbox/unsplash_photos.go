package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"sync"
)

// unsplashPerson is a photographer.
type unsplashPerson struct{ username, name string }

// unsplashPhoto is a photo in the library.
type unsplashPhoto struct {
	id               string
	width, height    int
	description, alt string
	by               unsplashPerson
	red, green, blue uint8
}

func (p *unsplashPhoto) color() string { return fmt.Sprintf("#%02x%02x%02x", p.red, p.green, p.blue) }

func (p *unsplashPhoto) orientation() string {
	switch {
	case p.width > p.height:
		return "landscape"
	case p.width < p.height:
		return "portrait"
	default:
		return "squarish"
	}
}

// unsplashPhotos is the library, always the same.
var unsplashPhotos = sync.OnceValue(func() []*unsplashPhoto {
	people := []unsplashPerson{
		{"maya_lind", "Maya Lind"}, {"tomasz_wrona", "Tomasz Wrona"}, {"oconnor", "Róisín O'Connor"}, {"kenji_ito", "Kenji Itō"}, {"a_and_b", "Ana & Beto"},
	}
	subjects := []string{
		"bread on a wooden table in a bakery", "a cup of coffee beside a window", "a bicycle leaning on a brick wall", "mountains under morning fog",
		"people around a table in an office", "a city street at night", "waves on a beach", "a snowy forest in winter", "flowers in a garden in spring",
		"a laptop on a desk", "a market with fruit and vegetables", "an old train station",
	}
	sizes := [][2]int{{3000, 2000}, {2000, 3000}, {2400, 2400}, {1600, 1067}}
	var photos []*unsplashPhoto
	for i, subject := range subjects {
		for n, size := range sizes {
			sum := sha256.Sum256([]byte(subject + strconv.Itoa(n)))
			photo := &unsplashPhoto{
				id: base64.RawURLEncoding.EncodeToString(sum[:])[:11], width: size[0], height: size[1], alt: subject,
				by: people[(i+n)%len(people)], red: sum[20], green: sum[21], blue: sum[22],
			}
			if n%2 == 0 {
				photo.description = "What I saw that day: " + subject
			}
			photos = append(photos, photo)
		}
	}
	return photos
})

func unsplashPhotoOf(id string) *unsplashPhoto {
	for _, photo := range unsplashPhotos() {
		if photo.id == id {
			return photo
		}
	}
	return nil
}

// unsplashImage serves a photo in the size that the query asks for: w and h are the most, fit must be max, fm jpg and q a JPEG quality
// from 0 to 100. It is never made larger than it is. Other parameters change nothing.
func unsplashImage(r *http.Request) answer {
	photo := unsplashPhotoOf(r.PathValue("id"))
	if photo == nil {
		return answer{status: http.StatusNotFound, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("404 Not Found")}
	}
	bad := answer{status: http.StatusBadRequest, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("400 Bad Request")}
	query := r.URL.Query()
	if fit, kind := query.Get("fit"), query.Get("fm"); fit != "" && fit != "max" || kind != "" && kind != "jpg" {
		return bad // of what the service makes besides, nothing is stood in for
	}
	numbers := map[string]int{"w": photo.width, "h": photo.height, "q": 75}
	for name := range numbers {
		text := query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || name == "q" && n > 100 {
			return bad
		}
		numbers[name] = n
	}
	scale := min(1, float64(numbers["w"])/float64(photo.width), float64(numbers["h"])/float64(photo.height))
	width, height := max(1, int(float64(photo.width)*scale+0.5)), max(1, int(float64(photo.height)*scale+0.5))
	var content bytes.Buffer
	if err := jpeg.Encode(&content, photo.paint(width, height), &jpeg.Options{Quality: numbers["q"]}); err != nil {
		return answer{status: http.StatusInternalServerError, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("500 Internal Server Error")}
	}
	return answer{status: http.StatusOK, body: content.Bytes(), header: http.Header{
		"Content-Type": {"image/jpeg"}, "Cache-Control": {"public, max-age=31536000"}, "Access-Control-Allow-Origin": {"*"},
	}}
}

// paint makes the picture: the photo's color under a lighter sky, with a round sun whose place tells photos apart.
func (p *unsplashPhoto) paint(width, height int) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	sunX, sunY, radius := width*(30+int(p.red)%40)/100, height*(25+int(p.green)%25)/100, min(width, height)/9
	lighter := func(c uint8, y int) uint8 { return uint8(int(c) + (255-int(c))*(height-y)/(height*2)) }
	for y := range height {
		sky := color.RGBA{lighter(p.red, y), lighter(p.green, y), lighter(p.blue, y), 255}
		for x := range width {
			shade := sky
			if dx, dy := x-sunX, y-sunY; dx*dx+dy*dy < radius*radius {
				shade = color.RGBA{255, 244, 214, 255}
			}
			picture.SetRGBA(x, y, shade)
		}
	}
	return picture
}
