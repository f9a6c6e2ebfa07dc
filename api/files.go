package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"fanfare/internal/workspace"
)

// File is a file or directory of a workspace.
type File struct {
	Path       string    `json:"path" doc:"From the top of the workspace, with slashes." example:"briefs/june.md"`
	Name       string    `json:"name" example:"june.md"`
	Kind       string    `json:"kind" enum:"file,directory,other" doc:"other: a link, a device or the like, which a program has put there. It is neither read nor backed up."`
	Bytes      int64     `json:"bytes" doc:"0 of a directory."`
	ModifiedAt time.Time `json:"modified_at"`
	ETag       string    `json:"etag" doc:"Changes with the file; for If-Match."`
}

type fileOutput struct {
	ETag string `header:"ETag"`
	Body File
}

// FileCondition is the condition under which a file is changed.
type FileCondition struct {
	IfMatch     string `header:"If-Match" maxLength:"200" doc:"The etag of the file that you have seen, with its quotes, or * for any that is there. If it has changed since, nothing happens and the answer is 412."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"* where there must be no such file yet."`
}

func (c FileCondition) condition() (workspace.Condition, error) {
	if value := strings.Trim(c.IfNoneMatch, " \t"); value != "" && value != "*" {
		return workspace.Condition{}, invalid("header.If-None-Match", "must be *")
	}
	return workspace.Condition{IfMatch: tags(c.IfMatch), IfNoneMatch: tags(c.IfNoneMatch)}, nil
}

// explain says of a file that was to be new that it is there.
func (c FileCondition) explain(err error) error {
	var p *Problem
	if c.IfNoneMatch != "" && c.IfMatch == "" && errors.As(err, &p) && p.Status == http.StatusPreconditionFailed {
		p.Detail = "There is a file with this path already. Nothing was changed."
	}
	return err
}

// tags are the ETags of a list of them.
func tags(list string) (found []string) {
	for tag := range strings.SplitSeq(list, ",") {
		if tag = strings.Trim(tag, " \t"); tag != "" {
			found = append(found, tag)
		}
	}
	return found
}

// FilePath is the path of a file in a workspace.
type FilePath struct {
	WorkspacePath
	Path string `query:"path" required:"true" minLength:"1" maxLength:"4096" doc:"From the top of the workspace, with slashes." example:"briefs/june.md"`
}

// FileText is a part of a file, for programs that cannot take bytes.
type FileText struct {
	File
	Encoding string `json:"encoding" enum:"utf-8,base64" doc:"base64 where the file is no text."`
	Content  string `json:"content"`
	Offset   int64  `json:"offset" doc:"Where in the file this begins, in bytes."`
	Next     *int64 `json:"next_offset" doc:"Give it as offset to read on; null at the end of the file."`
}

// FileTextWrite is a whole file.
type FileTextWrite struct {
	Path     string `json:"path" minLength:"1" maxLength:"4096" doc:"From the top of the workspace, with slashes. Directories on the way are made." example:"briefs/june.md"`
	Content  string `json:"content" maxLength:"1000000"`
	Encoding string `json:"encoding,omitempty" enum:"utf-8,base64" default:"utf-8"`
}

// FileMove gives a file or directory another place.
type FileMove struct {
	From    string `json:"from" minLength:"1" maxLength:"4096" example:"briefs/june.md"`
	To      string `json:"to" minLength:"1" maxLength:"4096" doc:"The new path, the name included. Directories on the way are made." example:"archive/june.md"`
	Replace bool   `json:"replace,omitempty" doc:"A file that is there already is replaced. Otherwise it is refused."`
}

// DirectoryCreate makes a directory.
type DirectoryCreate struct {
	Path string `json:"path" minLength:"1" maxLength:"4096" example:"briefs/2027"`
}

// FileUse makes a file of a workspace one that posts can show.
type FileUse struct {
	Path    string `json:"path" minLength:"1" maxLength:"4096" example:"photos/bakery.jpg"`
	AltText string `json:"alt_text,omitempty" maxLength:"2000" doc:"Describes it to those who cannot see it."`
}

const (
	// textPart is how much of a file is answered as text at once, in bytes.
	textPart = 100_000
	// listTimeout bounds a search through a workspace.
	listTimeout = 30 * time.Second
)

func (a *API) registerFiles() {
	tags := []string{"Workspaces"}
	const one = "/v1/customers/{customer_id}/workspaces/{workspace_id}"
	const files, content, text = one + "/files", one + "/files/content", one + "/files/text"
	reads, writes := needs("files:read", "files:write"), needs("files:write")
	conditional := []int{http.StatusPreconditionFailed}
	comesBackLater := []int{http.StatusConflict} // or it is no file
	searches := needs("files:read", "files:write")
	searches[timeoutKey] = listTimeout
	register(a, huma.Operation{
		OperationID: "list-files", Metadata: searches, Method: http.MethodGet, Path: files, Tags: tags, Summary: "List files of a directory, or find them by name", Errors: comesBackLater,
		Description: "The files and directories of a directory, in the order of their names. With `name`, those below it whose name has these letters in it, or that a pattern such as " +
			"`*.png` fits, in the order of their paths.",
	}, a.listFiles)
	register(a, huma.Operation{
		OperationID: "get-file", Metadata: reads, Method: http.MethodGet, Path: files + "/entry", Tags: tags, Summary: "Get what is known of a file or directory", Errors: comesBackLater,
	}, a.getFile)
	register(a, huma.Operation{
		OperationID: "read-file", Metadata: reads, Method: http.MethodGet, Path: content, Tags: tags, Summary: "Download a file",
		Description: "The file, or the part of it that `Range` names. With `If-None-Match` and the etag that you have, 304 where it is still the same.",
		Errors:      []int{http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed, http.StatusConflict},
		Responses: map[string]*huma.Response{
			"200": binaryResponse("The file."), "206": binaryResponse("The part that was asked for."), "304": {Description: "It has not changed."},
		},
	}, a.readFile)
	uploads := needs("files:write")
	uploads[timeoutKey] = uploadTimeout
	register(a, huma.Operation{
		OperationID: "write-file", Metadata: uploads, Method: http.MethodPut, Path: content, Tags: tags, Summary: "Write a file",
		Description: "The request's body is the file. It takes the place of one that is there, at once and as a whole; directories on the way are made. " +
			"An upload may take its time, as long as something arrives.",
		RequestBody: &huma.RequestBody{Description: "The file.", Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}},
		Errors:      append(conditional, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusInsufficientStorage),
	}, a.writeFile)
	register(a, huma.Operation{
		OperationID: "read-file-text", Metadata: reads, Method: http.MethodGet, Path: text, Tags: tags, Summary: "Read a file as text",
		Description: fmt.Sprintf("Up to %d bytes of a file at once; for programs that take no bytes. What is no text is answered in base64.", textPart),
		Errors:      comesBackLater,
	}, a.readFileText)
	register(a, huma.Operation{
		OperationID: "write-file-text", Metadata: writes, Method: http.MethodPut, Path: text, Tags: tags, Summary: "Write a file from text",
		Description: "As write-file, for programs that send no bytes.", Errors: append(conditional, http.StatusInsufficientStorage),
	}, a.writeFileText)
	register(a, huma.Operation{
		OperationID: "delete-file", Metadata: writes, Method: http.MethodDelete, Path: files, Tags: tags, Summary: "Delete a file or directory",
		Description: "A directory that is not empty only with `recursive`. A backup may have it still.", DefaultStatus: http.StatusNoContent, Errors: conditional,
	}, a.deleteFile)
	register(a, huma.Operation{
		OperationID: "move-file", Metadata: writes, Method: http.MethodPost, Path: files + "/move", Tags: tags, Summary: "Move or rename a file or directory", Errors: conditional,
	}, a.moveFile)
	register(a, huma.Operation{
		OperationID: "create-directory", Metadata: writes, Method: http.MethodPost, Path: one + "/directories", Tags: tags, Summary: "Make a directory",
		Description: "With those on the way to it. One that is there already is no error.",
	}, a.createDirectory)
	uses := needs("posts:write")
	uses[timeoutKey] = uploadTimeout
	register(a, huma.Operation{
		OperationID: "use-file", Metadata: uses, Method: http.MethodPost, Path: one + "/files/media", Tags: tags, Summary: "Make an image or video of a workspace one that posts can show",
		Description:   "It is copied, and what it is is found in its bytes, as create-media does. A key or agent token needs files:read or files:write too.",
		DefaultStatus: http.StatusCreated,
	}, a.useFile)
}

func binaryResponse(description string) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
}

// fileFault explains what the file system says. What it does not know, it passes on.
func fileFault(err error, at string) error {
	var bad *workspace.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return invalid(at, bad.Reason)
	case errors.Is(err, workspace.ErrNotFound):
		return notFound("file")
	case errors.Is(err, workspace.ErrPrecondition):
		return stale()
	case errors.Is(err, workspace.ErrExists):
		return conflict("There is something with this path already.")
	case errors.Is(err, workspace.ErrNotEmpty):
		return conflict("The directory is not empty. Delete what is in it too with recursive=true.")
	case errors.Is(err, workspace.ErrIsDirectory):
		return conflict("This is a directory.")
	case errors.Is(err, workspace.ErrNotDirectory):
		return conflict("A part of the path is a file, and no directory.")
	case errors.Is(err, workspace.ErrNotServed):
		return conflict("This is neither a file nor a directory of the workspace's own: a program has put a link, a device or the like there.")
	case errors.Is(err, workspace.ErrChanged):
		return conflict("It was changed at this moment. Try again.")
	case errors.Is(err, workspace.ErrFull):
		return problem(http.StatusInsufficientStorage, "The disk is full. Nothing was changed. Whoever runs this server must make room.").cause(err)
	}
	return err
}

func fileFrom(entry workspace.Entry) File {
	return File{Path: entry.Path, Name: path.Base(entry.Path), Kind: string(entry.Kind), Bytes: entry.Bytes, ModifiedAt: entry.ModifiedAt.UTC(), ETag: entry.ETag}
}

func fileAnswer(entry workspace.Entry) *fileOutput {
	return &fileOutput{ETag: entry.ETag, Body: fileFrom(entry)}
}

func (a *API) listFiles(ctx context.Context, in *struct {
	WorkspacePath
	Path   string `query:"path" maxLength:"4096" doc:"The directory; the top of the workspace without it."`
	Name   string `query:"name" maxLength:"255" doc:"Letters of a name, or a pattern with * and ?. Capitals make no difference."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before."`
}) (*pageOutput[File], error) {
	after, err := base64.RawURLEncoding.DecodeString(in.Cursor)
	if err != nil || (len(after) > 0 && after[0] != byte(listOfFiles)) {
		return nil, badCursor()
	}
	directory, err := a.openWorkspace(ctx, in.WorkspacePath)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	if len(after) > 0 {
		after = after[1:]
	}
	var entries []workspace.Entry
	var more bool
	if in.Name != "" {
		entries, more, err = directory.Search(ctx, in.Path, in.Name, string(after), in.Limit)
	} else {
		entries, more, err = directory.List(ctx, in.Path, string(after), in.Limit)
	}
	if err != nil {
		return nil, fileFault(err, "query.path")
	}
	out := &pageOutput[File]{Body: Page[File]{Items: make([]File, len(entries))}}
	for i, entry := range entries {
		out.Body.Items[i] = fileFrom(entry)
	}
	if more && len(entries) > 0 {
		last := entries[len(entries)-1].Path
		if in.Name == "" {
			last = path.Base(last)
		}
		next := base64.RawURLEncoding.EncodeToString(append([]byte{byte(listOfFiles)}, last...))
		out.Body.NextCursor = &next
	}
	return out, nil
}

func (a *API) getFile(ctx context.Context, in *FilePath) (*fileOutput, error) {
	directory, err := a.openWorkspace(ctx, in.WorkspacePath)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	entry, err := directory.Stat(in.Path)
	if err != nil {
		return nil, fileFault(err, "query.path")
	}
	return fileAnswer(entry), nil
}

// openFile opens a file of a workspace, which stays open when the workspace is closed.
func (a *API) openFile(ctx context.Context, in WorkspacePath, at, location string) (*workspace.File, error) {
	directory, err := a.openWorkspace(ctx, in)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	file, err := directory.Open(at)
	if err != nil {
		return nil, fileFault(err, location)
	}
	return file, nil
}

func (a *API) readFile(ctx context.Context, in *struct {
	FilePath
	IfMatch string `header:"If-Match" maxLength:"200" doc:"The etag of the file that you have, with its quotes. If it has changed since, the answer is 412."`
}) (*huma.StreamResponse, error) {
	file, err := a.openFile(ctx, in.WorkspacePath, in.Path, "query.path")
	if err != nil {
		return nil, err
	}
	if wanted := tags(in.IfMatch); len(wanted) > 0 && !slices.Contains(wanted, "*") && !slices.Contains(wanted, file.Entry().ETag) {
		return nil, errors.Join(stale(), file.Close())
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer file.Close()
		entry := file.Entry()
		ctx.SetHeader("Content-Type", "application/octet-stream") // whatever its name says
		ctx.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(entry.Path)}))
		ctx.SetHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		ctx.SetHeader("ETag", entry.ETag)
		a.serveFileIfChanged(ctx, file)
	}}, nil
}

func (a *API) readFileText(ctx context.Context, in *struct {
	FilePath
	Offset int64 `query:"offset" minimum:"0" doc:"From where on, in bytes."`
}) (*struct {
	ETag string `header:"ETag"`
	Body FileText
}, error) {
	file, err := a.openFile(ctx, in.WorkspacePath, in.Path, "query.path")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	entry := file.Entry()
	if in.Offset > entry.Bytes {
		return nil, invalid("query.offset", fmt.Sprintf("is behind the end of the file, which has %d bytes", entry.Bytes))
	}
	part := make([]byte, min(textPart, entry.Bytes-in.Offset))
	n, err := file.ReadAt(part, in.Offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read file: %w", err)
	}
	part = part[:n]
	body := FileText{File: fileFrom(entry), Encoding: "utf-8", Offset: in.Offset}
	end := in.Offset + int64(n)
	if whole := wholeText(part, end < entry.Bytes); whole > 0 || n == 0 {
		body.Content, end = string(part[:whole]), in.Offset+int64(whole)
	} else {
		body.Encoding, body.Content = "base64", base64.StdEncoding.EncodeToString(part)
	}
	if end < entry.Bytes && end > in.Offset {
		body.Next = &end
	}
	return &struct {
		ETag string `header:"ETag"`
		Body FileText
	}{entry.ETag, body}, nil
}

// wholeText is how many bytes of a part are text, up to its last whole character where more of the file follows; 0 where it is no text.
func wholeText(part []byte, more bool) int {
	n := len(part)
	for cut := 0; more && cut < utf8.UTFMax && !utf8.Valid(part[:n]) && n > 0; cut++ {
		n--
	}
	if !utf8.Valid(part[:n]) || strings.ContainsRune(string(part[:n]), 0) {
		return 0
	}
	return n
}

func (a *API) useFile(ctx context.Context, in *struct {
	WorkspacePath
	Body FileUse
}) (*mediaOutput, error) {
	customer := scope(ctx).In(in.CustomerID)
	if out, err := answered[mediaOutput](ctx, a, customer); out != nil || err != nil {
		return out, err
	}
	file, err := a.openFile(ctx, in.WorkspacePath, in.Body.Path, "body.path")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return a.storeMedia(ctx, in.CustomerPath, file, file.Entry().Bytes, path.Base(in.Body.Path), in.Body.AltText)
}
