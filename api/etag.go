package api

import (
	"net/http"
	"strconv"
	"strings"
)

// Condition is the condition under which a change is made: the version that the caller has seen. Without it
// the change is made to whatever version is there.
type Condition struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"The ETag of the version that you have seen. If the thing has changed since, nothing happens and the answer is 412."`
}

// etag is a version as an ETag.
func etag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }

// version is the version that the caller has seen, nil when any will do.
func (c Condition) version() (*int64, error) {
	value := strings.TrimSpace(c.IfMatch)
	if value == "" || value == "*" {
		return nil, nil //nolint:nilnil // no condition is a valid condition
	}
	number, found := strings.CutPrefix(value, `"v`)
	number, closed := strings.CutSuffix(number, `"`)
	version, err := strconv.ParseInt(number, 10, 64)
	if !found || !closed || err != nil {
		return nil, problem(http.StatusPreconditionFailed,
			`If-Match must be the ETag of an earlier answer, such as "v3". Nothing was changed.`,
			ProblemDetail{Location: "header.If-Match", Message: "is not an ETag of this API"})
	}
	return &version, nil
}

// check compares the version that the caller has seen with the one that is there.
func (c Condition) check(current int64) error {
	seen, err := c.version()
	if err != nil {
		return err
	}
	if seen != nil && *seen != current {
		return stale(current)
	}
	return nil
}

func stale(current int64) *Problem {
	return problem(http.StatusPreconditionFailed,
		"It has been changed since you read it (it is at "+etag(current)+" now). Nothing was changed; read it again, then repeat your change.")
}

// unchanged explains why a statement changed nothing although its row is there: the version has moved, or
// the caller may not.
func (c Condition) unchanged(current int64) error {
	if err := c.check(current); err != nil {
		return err
	}
	return forbidden()
}
