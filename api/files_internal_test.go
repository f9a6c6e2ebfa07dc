package api

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"fanfare/internal/workspace"
)

// What the file system says is answered in words for people; what it says besides is for the log alone.
func TestFileFaults(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		&workspace.PathError{Reason: "is empty"}: http.StatusUnprocessableEntity,
		workspace.ErrNotFound:                    http.StatusNotFound, workspace.ErrPrecondition: http.StatusPreconditionFailed,
		workspace.ErrExists: http.StatusConflict, workspace.ErrNotEmpty: http.StatusConflict, workspace.ErrIsDirectory: http.StatusConflict,
		workspace.ErrNotDirectory: http.StatusConflict, workspace.ErrNotServed: http.StatusConflict, workspace.ErrChanged: http.StatusConflict,
		workspace.ErrFull: http.StatusInsufficientStorage,
	} {
		var p *Problem
		if got := fileFault(fmt.Errorf("write /secret/place: %w", err), "query.path"); !errors.As(got, &p) || p.Status != want {
			t.Errorf("%v is answered with %v, want %d", err, got, want)
		} else if p.Detail == "" || len(p.Detail) > 200 {
			t.Errorf("%v is told as %q", err, p.Detail)
		}
	}
	other := errors.New("input/output error")
	if got := fileFault(other, "query.path"); !errors.Is(got, other) {
		t.Errorf("what is not known is told as %v", got)
	}
}
