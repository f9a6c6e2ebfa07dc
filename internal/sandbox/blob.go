package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// PostFile is a file that a post shows: what the service has stored of an upload.
type PostFile struct {
	// ID is the service's own id of the upload.
	ID          string `json:"id,omitempty"`
	ContentType string `json:"content_type"`
	Bytes       int    `json:"bytes"`
	SHA256      string `json:"sha256"`
	AltText     string `json:"alt_text,omitempty"`
}

// Path is where the sandbox shows the file.
func (f PostFile) Path() string { return "/blobs/" + f.SHA256 }

var sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// keepBlob stores the bytes of a file, and tells what they are. Files that are the same are stored once. The caller holds s.mu.
func (s *Sandbox) keepBlob(content []byte) (PostFile, error) {
	sum := sha256.Sum256(content)
	file := PostFile{ContentType: http.DetectContentType(content), Bytes: len(content), SHA256: hex.EncodeToString(sum[:])}
	if s.file == "" {
		s.blobs[file.SHA256] = content
		return file, nil
	}
	folder := filepath.Join(filepath.Dir(s.file), "blobs")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return PostFile{}, fmt.Errorf("make folder for files: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, file.SHA256), content, 0o600); err != nil {
		return PostFile{}, fmt.Errorf("store file: %w", err)
	}
	return file, nil
}

// blob reads a file's bytes; nil if there is none.
func (s *Sandbox) blob(hash string) []byte {
	if !sha256Pattern.MatchString(hash) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readBlob(hash)
}

// readBlob is blob for a hash that is known. The caller holds s.mu.
func (s *Sandbox) readBlob(hash string) []byte {
	if s.file == "" {
		return s.blobs[hash]
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(s.file), "blobs", hash))
	if err != nil {
		return nil
	}
	return content
}

// showBlob serves a file. Only images and videos are shown as such: anything else is a download.
func (s *Sandbox) showBlob(w http.ResponseWriter, r *http.Request) {
	content := s.blob(r.PathValue("hash"))
	if content == nil {
		http.NotFound(w, r)
		return
	}
	kind := http.DetectContentType(content)
	if !strings.HasPrefix(kind, "image/") && !strings.HasPrefix(kind, "video/") {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content)
}
