package api_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
)

// pngFile is a small picture.
func pngFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	mustDo(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))))
	return b.Bytes()
}

// box is a box of an MP4.
func box(kind string, content ...[]byte) []byte {
	all := bytes.Join(content, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(all))), append([]byte(kind), all...)...)
}

// mp4File is a video of 1.5 seconds, 640 × 360, whose header stands at its end.
func mp4File() []byte {
	mvhd := make([]byte, 100)
	binary.BigEndian.PutUint32(mvhd[12:], 1000)
	binary.BigEndian.PutUint32(mvhd[16:], 1500)
	tkhd := make([]byte, 84)
	binary.BigEndian.PutUint32(tkhd[40:], 0x10000)
	binary.BigEndian.PutUint16(tkhd[76:], 640)
	binary.BigEndian.PutUint16(tkhd[80:], 360)
	hdlr := append(make([]byte, 8), "vide\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	return bytes.Join([][]byte{
		box("ftyp", []byte("isom\x00\x00\x02\x00isommp41")),
		box("mdat", bytes.Repeat([]byte("frames"), 1000)),
		box("moov", box("mvhd", mvhd), box("trak", box("tkhd", tkhd), box("mdia", box("hdlr", hdlr)))),
	}, nil)
}

// upload sends a file.
func (w *world) upload(t testing.TB, who dbtest.User, customer uuid.UUID, query string, body io.Reader, headers ...string) answer {
	t.Helper()
	request := w.request(t, http.MethodPost, "/v1/customers/"+customer.String()+"/media"+query, body)
	request.Header.Set("Authorization", "Bearer "+w.token(t, who))
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("X-Admin-Reason", "a test")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return w.do(t, request)
}

// nothingLeft fails the test if there are rows or files of the customer.
func (w *world) nothingLeft(t testing.TB, customer uuid.UUID) {
	t.Helper()
	if n := w.count(t, "select count(*) from media where customer_id = $1", customer); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if n, err := w.bucket.Count(t.Context(), bucket.OfCustomer(customer)); err != nil || n != 0 {
		t.Errorf("%d files are left: %v", n, err)
	}
}

func TestMediaUpload(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	content := pngFile(t)
	uploaded := w.upload(t, c.member, c.customer.ID, "?name="+url.QueryEscape(`C:\fakepath\Grün "1".png`)+"&alt_text=A+wall", bytes.NewReader(content),
		"Content-Type", "text/html").want(t, 201)
	file := into[api.Media](t, uploaded)
	sum := sha256.Sum256(content)
	if file.Name != `Grün "1".png` || file.AltText != "A wall" || file.ContentType != "image/png" || file.Bytes != int64(len(content)) ||
		*file.SHA256 != hex.EncodeToString(sum[:]) || *file.Width != 40 || *file.Height != 30 || file.DurationMS != nil || file.Animated || *file.CreatedBy != c.member.ID {
		t.Errorf("uploaded: %s", uploaded.body)
	}
	one := c.path("/media/%s", file.ID)
	got := w.call(t, c.viewer, http.MethodGet, one, nil).want(t, 200)
	if string(got.body) != string(uploaded.body) || got.etag() != uploaded.etag() {
		t.Errorf("read: %s", got.body)
	}

	downloaded := w.call(t, c.viewer, http.MethodGet, one+"/content", nil).want(t, 200)
	if !bytes.Equal(downloaded.body, content) {
		t.Error("the file is another one")
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "Content-Disposition": `inline; filename*=utf-8''Gr%C3%BCn%20%221%22.png`, "ETag": `"` + *file.SHA256 + `"`,
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
	} {
		if got := downloaded.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	part := w.call(t, c.viewer, http.MethodGet, one+"/content", nil, "Range", "bytes=1-3").want(t, 206)
	if string(part.body) != "PNG" {
		t.Errorf("a part: %q", part.body)
	}
	w.call(t, c.viewer, http.MethodGet, one+"/content", nil, "Range", "bytes=100000-").want(t, 416)

	w.call(t, c.member, http.MethodPatch, one, m{"alt_text": "A green wall"}, "If-Match", `"v1"`).want(t, 412)
	changed := w.call(t, c.member, http.MethodPatch, one, m{"alt_text": "A green wall"}, "If-Match", uploaded.etag()).want(t, 200)
	if file := into[api.Media](t, changed); file.AltText != "A green wall" || file.Name != `Grün "1".png` {
		t.Errorf("changed: %s", changed.body)
	}
	w.call(t, c.member, http.MethodPatch, one, m{}).want(t, 422)

	post := into[api.Post](t, w.call(t, c.member, http.MethodPost, c.path("/posts"), m{"text": "Look", "media_ids": []uuid.UUID{file.ID}}).want(t, 201))
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 409)
	w.call(t, c.member, http.MethodPatch, c.path("/posts/%s", post.ID), m{"media_ids": []uuid.UUID{}}).want(t, 200)
	w.call(t, c.member, http.MethodDelete, one, nil, "If-Match", `"v1"`).want(t, 412)
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 204)
	w.call(t, c.member, http.MethodDelete, one, nil).want(t, 404)
	w.call(t, c.member, http.MethodGet, one, nil).want(t, 404)
	w.call(t, c.member, http.MethodGet, one+"/content", nil).want(t, 404)
	w.nothingLeft(t, c.customer.ID)
}

func TestMediaOfVideo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	// Not a *bytes.Reader: nothing says how large it is.
	file := into[api.Media](t, w.upload(t, c.member, c.customer.ID, "", io.MultiReader(bytes.NewReader(mp4File()))).want(t, 201))
	if file.ContentType != "video/mp4" || *file.Width != 640 || *file.Height != 360 || *file.DurationMS != 1500 || file.Bytes != int64(len(mp4File())) {
		t.Errorf("found %+v", file)
	}
}

func TestMediaRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	content := pngFile(t)
	c.roles(t, creating, func(t *testing.T, who dbtest.User) answer {
		return w.upload(t, who, c.customer.ID, "", bytes.NewReader(content))
	})
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, http.MethodGet, c.path("/media"), nil)
	})
	c.roles(t, deleting, func(t *testing.T, who dbtest.User) answer {
		file := into[api.Media](t, w.upload(t, c.owner, c.customer.ID, "", bytes.NewReader(content)).want(t, 201))
		return w.call(t, who, http.MethodDelete, c.path("/media/%s", file.ID), nil)
	})
	if ids, _ := w.walk(t, c.viewer, c.path("/media")); len(ids) != w.count(t, "select count(*) from media where state = 'ready'") {
		t.Errorf("the list has %d files", len(ids))
	}
	elsewhere := into[api.Media](t, w.upload(t, c.outsider, c.elsewhere.ID, "", bytes.NewReader(content)).want(t, 201))
	for _, id := range []uuid.UUID{elsewhere.ID, uuid.New()} {
		w.call(t, c.owner, http.MethodPost, c.path("/posts"), m{"text": "x", "media_ids": []uuid.UUID{id}}).want(t, 404)
	}
}

// gif is one of so many pictures of a pixel.
func gif(frames int) []byte {
	var b bytes.Buffer
	b.WriteString("GIF89a\x01\x00\x01\x00\x00\x00\x00")
	for range frames {
		b.WriteString("\x2C\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00")
	}
	b.WriteByte(0x3B)
	return b.Bytes()
}

// chunk is one of a PNG's.
func chunk(kind string, content []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(content))), append([]byte(kind), content...)...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// bomb is a PNG that says it is so large, of zeros compressed.
func bomb(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	_, _ = io.CopyN(z, zeros{}, 10_000_000)
	_ = z.Close()
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1A\n"), chunk("IHDR", append(header, 8, 0, 0, 0, 0)), chunk("IDAT", data.Bytes()), chunk("IEND", nil)}, nil)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestHostileMedia(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	good, film := pngFile(t), mp4File()
	var photo bytes.Buffer
	mustDo(t, jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 8)), nil))
	ftyp := box("ftyp", []byte("isom\x00\x00\x02\x00isommp41"))
	for name, file := range map[string]struct {
		content []byte
		says    string
	}{
		"nothing":                  {nil, "is empty"},
		"text":                     {[]byte("hello"), "none that can be published"},
		"a page":                   {[]byte("<!doctype html><script>alert(1)</script>"), "none that can be published"},
		"SVG":                      {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "none that can be published"},
		"PDF":                      {[]byte("%PDF-1.7\n"), "none that can be published"},
		"HEIC":                     {box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), "none that can be published"},
		"an executable":            {[]byte("MZ\x90\x00"), "none that can be published"},
		"a bomb":                   {bomb(50_000, 50_000), "50000 × 50000 pixels"},
		"no pixels":                {bomb(0, 10), "damaged"},
		"a million images":         {gif(1_000_000), "more than 5000 images"},
		"a GIF without images":     {gif(0), "no picture"},
		"a GIF and a page":         {append([]byte("GIF89a<html><script>alert(1)</script>"), gif(1)...), "holds a web page"},
		"a page behind a GIF":      {append(gif(1), "<html><script>alert(1)</script>"...), "holds a web page"},
		"a page far behind a GIF":  {append(gif(200), "<html><script>alert(1)</script>"...), "goes on after"},
		"a script behind a PNG":    {append(bytes.Clone(good), "alert(1)"...), "goes on after"},
		"half a PNG":               {good[:len(good)-10], "cut off"},
		"a PNG's mark":             {good[:8], "cut off"},
		"half a JPEG":              {photo.Bytes()[:photo.Len()-2], "cut off"},
		"half a video":             {film[:len(film)-100], "cut off"},
		"a video without its end":  {film[:24+1000], "cut off"},
		"no header":                {film[:24+8+6000], "no header"},
		"a header of 4 GB":         {append(bytes.Clone(ftyp), "\xFF\xFF\xFF\xFFmoov"...), "cut off"},
		"a header of 2^63 bytes":   {append(bytes.Clone(ftyp), "\x00\x00\x00\x01moov\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"...), "cut off"},
		"a part of no length":      {append(bytes.Clone(ftyp), "\x00\x00\x00\x04moov"...), "no length"},
		"parts without end":        {append(bytes.Clone(ftyp), bytes.Repeat([]byte("\x00\x00\x00\x08free"), 30_000)...), "too many parts"},
		"only sound":               {bytes.Replace(film, []byte("vide"), []byte("soun"), 1), "only sound"},
		"a WebP that is too short": {[]byte("RIFF\xFF\x00\x00\x00WEBPVP8X\x0A\x00\x00\x00\x02\x00\x00\x00\x09\x00\x00\x09\x00\x00"), "cut off"},
	} {
		a := w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(file.content))
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
			continue
		}
		if errors := a.problem(t).Errors; len(errors) != 1 || errors[0].Location != "body" || !strings.Contains(errors[0].Message, file.says) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(good), "Content-Type", "multipart/form-data; boundary=x").want(t, 415)
	w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(good), "Content-Encoding", "gzip").want(t, 415)
	w.nothingLeft(t, c.customer.ID)
}

// Too large is too large whether the request says so or not; and where not, no more is read than is needed to see it.
func TestMediaTooLarge(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	read := &counting{Reader: io.MultiReader(bytes.NewReader(pngFile(t)), zeros{})}
	w.upload(t, c.member, c.customer.ID, "", read).want(t, 413)
	if read.n.Load() > 40<<20 {
		t.Errorf("%d bytes of an image were read", read.n.Load())
	}
	if !testing.Short() {
		film := &counting{Reader: io.LimitReader(io.MultiReader(bytes.NewReader(mp4File()), zeros{}), 513<<20)}
		w.upload(t, c.member, c.customer.ID, "", film).want(t, 413)
	}
	w.nothingLeft(t, c.customer.ID)

	request := w.request(t, http.MethodPost, c.path("/media"), io.LimitReader(zeros{}, 1<<30))
	request.ContentLength = 1 << 30
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.member))
	request.Header.Set("Expect", "100-continue") // so that nothing is sent
	w.do(t, request).want(t, 413)
}

// A caller who goes away, or says more than they send, leaves nothing.
func TestMediaBrokenOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var once sync.Once
	body := io.MultiReader(bytes.NewReader(mp4File()), readerFunc(func(p []byte) (int, error) {
		once.Do(func() { close(begun) })
		<-ctx.Done()
		return 0, ctx.Err()
	}))
	request := w.request(t, http.MethodPost, c.path("/media"), body).WithContext(ctx)
	request.Header.Set("Authorization", "Bearer "+w.token(t, c.member))
	ended := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		ended <- err
	}()
	<-begun
	eventually(t, "no row", func() bool { return w.count(t, "select count(*) from media where state = 'uploading'") == 1 })
	cancel()
	if err := <-ended; err == nil {
		t.Error("it was answered")
	}
	eventually(t, "rows are left", func() bool { return w.count(t, "select count(*) from media") == 0 })
	w.nothingLeft(t, c.customer.ID)

	connection := must(net.Dial("tcp", strings.TrimPrefix(w.url, "http://")))
	defer connection.Close()
	_, _ = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Forwarded-For: 10.9.9.9\r\nContent-Length: 100000\r\n\r\n", c.path("/media"), w.token(t, c.member))
	_, _ = connection.Write(mp4File())
	mustDo(t, connection.(*net.TCPConn).CloseWrite())
	answer := string(must(io.ReadAll(connection)))
	if !strings.HasPrefix(answer, "HTTP/1.1 400") {
		t.Errorf("answered %.200s", answer)
	}
	w.nothingLeft(t, c.customer.ID)
}

// counting counts what is read.
type counting struct {
	io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A file that comes slowly is taken, however long that lasts; a caller who sends nothing is cut.
func TestMediaSlow(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{requestTimeout: time.Second, uploadStall: 2 * time.Second})
	c := w.cast(t)
	film := append(box("ftyp", []byte("isom\x00\x00\x02\x00isommp41")), box("mdat", make([]byte, 200_000))...)
	film = append(film, mp4File()[24+8+6000:]...)
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	left := film
	slow := readerFunc(func(p []byte) (int, error) {
		if len(left) == 0 {
			return 0, io.EOF
		}
		<-ticker.C
		n := copy(p, left[:min(len(left), 17<<10)])
		left = left[n:]
		return n, nil
	})
	began := time.Now()
	w.upload(t, c.member, c.customer.ID, "", slow).want(t, 201)
	if took := time.Since(began); took < 3*time.Second {
		t.Errorf("it took %s", took)
	}
	w.exec(t, "delete from media")
	mustDo(t, w.bucket.DeleteAll(t.Context(), bucket.Media(c.customer.ID)))

	for name, sent := range map[string]string{"nothing": "", "a beginning": string(film[:5000])} {
		connection := must(net.Dial("tcp", strings.TrimPrefix(w.url, "http://")))
		_, _ = fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Forwarded-For: 10.9.9.9\r\nContent-Length: 100000\r\n\r\n%s", c.path("/media"), w.token(t, c.member), sent)
		mustDo(t, connection.SetReadDeadline(time.Now().Add(20*time.Second)))
		answer, err := io.ReadAll(connection)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
			t.Errorf("%s: %v: %.300s", name, err, answer)
		}
		_ = connection.Close()
	}
	w.nothingLeft(t, c.customer.ID)
}

// Whoever does not know what became of an upload sends it again, and has one file.
func TestMediaIdempotency(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	content := pngFile(t)
	send := func(query string) answer {
		return w.upload(t, c.member, c.customer.ID, query, bytes.NewReader(content), "Idempotency-Key", "one")
	}
	answers := make([]answer, 4)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = send("?name=a.png") })
	}
	all.Wait()
	for _, a := range answers {
		if a.status != http.StatusCreated || !bytes.Equal(a.body, answers[0].body) {
			t.Errorf("answered %d %s, and %s", a.status, a.body, answers[0].body)
		}
	}
	if again := send("?name=a.png"); !bytes.Equal(again.body, answers[0].body) {
		t.Errorf("later: %s", again.body)
	}
	send("?name=b.png").want(t, 422)
	if n := w.count(t, "select count(*) from media"); n != 1 {
		t.Errorf("%d rows", n)
	}
	if n := must(w.bucket.Count(t.Context(), bucket.OfCustomer(c.customer.ID))); n != 1 {
		t.Errorf("%d files", n)
	}
}

// The quota holds to the byte, also where many upload at once.
func TestMediaQuota(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	content := pngFile(t)
	w.exec(t, "update customers set media_quota = $2 where id = $1", c.customer.ID, 5*len(content))
	var all sync.WaitGroup
	statuses := make([]int, 12)
	for i := range statuses {
		var body io.Reader = bytes.NewReader(content)
		if i%2 == 1 {
			body = io.MultiReader(body) // of unknown size: reserves what is left
		}
		all.Go(func() { statuses[i] = w.upload(t, c.member, c.customer.ID, "", body).status })
	}
	all.Wait()
	for _, status := range statuses {
		if status != http.StatusCreated && status != http.StatusConflict {
			t.Errorf("answered %d", status)
		}
	}
	for range 5 { // whoever reserved all that was left may have kept others out
		w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(content))
	}
	w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(content)).want(t, 409)
	w.upload(t, c.member, c.customer.ID, "", io.MultiReader(bytes.NewReader(content))).want(t, 409)
	if n := w.count(t, "select sum(bytes) from media where customer_id = $1", c.customer.ID); n != 5*len(content) {
		t.Errorf("%d bytes, want %d", n, 5*len(content))
	}
	w.upload(t, c.outsider, c.elsewhere.ID, "", bytes.NewReader(content)).want(t, 201)
}

// No more than twenty files are uploaded at once; what was broken off long ago is not counted.
func TestMediaUploadsAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	content := pngFile(t)
	uploading := func(n, hours int) {
		w.exec(t, `insert into media (customer_id, id, path, content_type, bytes, state, updated_at)
			select $1, gen_random_uuid(), gen_random_uuid()::text, 'image/png', 1, 'uploading', now() - make_interval(hours => $2::int)
			from generate_series(1, $3::int)`, c.customer.ID, hours, n)
	}
	uploading(5, 7)
	uploading(19, 5)
	w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(content)).want(t, 201)
	w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(content)).want(t, 201)
	uploading(1, 0)
	a := w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(content)).want(t, 429)
	if a.header.Get("Retry-After") != "10" {
		t.Errorf("to be tried again after %q", a.header.Get("Retry-After"))
	}
	w.upload(t, c.outsider, c.elsewhere.ID, "", bytes.NewReader(content)).want(t, 201)
}
